"""One lesson by the price list: Stripe's price on the ordinary policy, the card dealt with in the browser (policy 12)."""

from datetime import datetime, timedelta

import pytest

from bookings import jobs, operations
from bookings.models import Booking
from bookings.operations import Session
from packages.models import Package
from payments import gateway
from payments.models import Payment
from tests.stories.acts import in_account
from tests.support.cast import HOUR, Cast, money_of
from tests.support.sandbox import Sandbox

from .shop import DAY, FAILING, GOOD, SECURE, Shop, confirm, pay, told

KEYS = {
    "student_id", "user_id", "service_type", "teacher_id", "start_at", "end_at", "product_id", "price_id", "session_id",
    "booking_id", "notes", "source",
}  # fmt: skip


def lesson_of(session: Session) -> Booking:
    lesson: Booking = Booking.objects.select_related("payment").get(pk=session.bookings[0].pk)
    return lesson


def save_card(session: Session, card: str = GOOD) -> None:
    """The browser confirms the SetupIntent."""
    gateway.client().v1.setup_intents.confirm(session.setup_intent_id, params={"payment_method": card})


def test_a_day_ahead_the_card_is_saved_and_the_policy_goes_on(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(1, now=now, hours=48)
    lesson = lesson_of(session)
    assert (session.package, session.payment_intent_id, Package.objects.count()) == (None, "", 0)
    assert (lesson.status, lesson.payment.lesson_price_cents, session.amount_cents) == ("PENDING", 12_000, 13_440)
    save_card(session)
    assert told(now, "setup_intent.succeeded")[-1] == "checked_out"
    lesson = lesson_of(session)
    assert (lesson.status, lesson.payment_status) == ("CONFIRMED", "scheduled")
    intent = gateway.intent(lesson.payment.payment_intent_id, with_charge=False)
    assert set(intent["metadata"]) >= KEYS
    assert (intent["metadata"]["source"], intent["metadata"]["booking_id"]) == ("create_session", lesson.pk)

    assert jobs.process_scheduled_authorizations(lesson.starts_at - DAY).results == {"authorized": 1}
    assert jobs.capture_completed_lessons(lesson.ends_at + DAY).results == {"lesson_completed_full_payout": 1}
    assert (money_of(lesson)["charged"], money_of(lesson)["payout"], in_account(cast)) == (13_440, 10_560, 10_560)


def test_nearer_the_browser_places_the_hold(shop: Shop, cast: Cast, now: datetime) -> None:
    session = shop.session(1, now=now, hours=20)
    assert (session.setup_intent_id, gateway.intent(session.payment_intent_id)["capture_method"]) == ("", "manual")
    assert pay(session) == "requires_capture"
    told(now, "payment_intent.amount_capturable_updated")
    lesson = lesson_of(session)
    assert (lesson.status, lesson.payment_status) == ("CONFIRMED", "authorized")
    operations.cancel_booking(
        booking_id=lesson.pk, actor=cast.as_student, reason="Ill", now=lesson.starts_at - 6 * HOUR
    )
    money = money_of(lesson)
    assert (money["outcome"], money["credit"], money["payout"]) == ("student_cancel_lt12_split_50_50", 6_000, 5_280)


def test_a_declined_card_may_be_tried_again_until_the_half_hour_is_over(
    shop: Shop, sandbox: Sandbox, now: datetime
) -> None:
    session = shop.session(1, now=now, hours=20)
    assert pay(session, FAILING) == "card_declined"
    told(now, "payment_intent.payment_failed")
    assert lesson_of(session).status == "PENDING"
    assert pay(session, SECURE) == "requires_action"
    sandbox.control("POST", f"authentications/{session.payment_intent_id}", result="succeed")
    told(now, "payment_intent.amount_capturable_updated")
    assert lesson_of(session).payment_status == "authorized"


@pytest.mark.parametrize("hours", [20, 48])
def test_an_abandoned_lesson_expires_with_its_intent(shop: Shop, now: datetime, hours: float) -> None:
    session = shop.session(1, now=now, hours=hours)
    assert jobs.expire_pending_bookings(now + timedelta(minutes=30)).results == {"student_cancel_gt24_no_charge": 1}
    assert lesson_of(session).status == "CANCELLED"
    if session.payment_intent_id:
        assert gateway.intent(session.payment_intent_id)["status"] == "canceled"
        return
    save_card(session)
    assert told(now + HOUR, "setup_intent.succeeded")[-1] == "nothing"
    assert money_of(lesson_of(session))["charged"] == 0


def test_a_hold_placed_in_the_last_moment_counts(shop: Shop, now: datetime) -> None:
    session = shop.session(1, now=now, hours=20)
    pay(session)
    assert jobs.expire_pending_bookings(now + timedelta(minutes=31)).results == {}
    assert lesson_of(session).payment_status == "authorized"


def test_the_same_request_answers_again(shop: Shop, cast: Cast, now: datetime) -> None:
    from tests.support.cast import soon

    for hours in (20, 72):
        wanted = shop.wanting(1, soon(hours))
        made = [
            operations.create_session(actor=cast.as_student, now=now, request_key=f"again {hours}", **wanted)
            for _ in range(2)
        ]
        assert made[0].bookings[0].pk == made[1].bookings[0].pk
        assert made[0].payment_intent_id == made[1].payment_intent_id
    assert Payment.objects.count() == 2


def test_a_second_confirmation_of_the_intent_is_not_a_second_hold(shop: Shop, now: datetime) -> None:
    session = shop.session(1, now=now, hours=20)
    pay(session)
    with pytest.raises(gateway.Declined):
        confirm(session.payment_intent_id, GOOD)
    told(now, "payment_intent.amount_capturable_updated")
    assert lesson_of(session).payment.card_charged_cents == 0
