"""The payment first, for old clients: the lesson is booked when the money has come, or the money goes back (policy 12)."""

from datetime import datetime, timedelta

import pytest

from bookings import jobs, operations
from bookings.models import Booking
from bookings.operations import Session
from common.actors import STRIPE
from packages.models import Package
from payments import gateway
from payments.models import MoneyMovement
from tests.support.cast import HOUR, Cast, mails_to, money_of, soon

from .shop import FAILING, Shop, owed, pay, purchase, states, told
from .test_buying import Killed, killed, resume


def prepared(shop: Shop, now: datetime, *, lessons: int = 1, **other: object) -> Session:
    wanted = shop.wanting(lessons, soon(48), note="Scales")
    return operations.pay_first(actor=shop.cast.as_student, now=now, **wanted, **other)  # type: ignore[arg-type]


def test_nothing_is_held_and_the_paid_lesson_is_booked(shop: Shop, cast: Cast, now: datetime) -> None:
    session = prepared(shop, now)
    assert (session.bookings, Booking.objects.count(), session.amount_cents) == ([], 0, 12_000)
    metadata = gateway.intent(session.payment_intent_id)["metadata"]
    assert (metadata["source"], metadata["booking_id"], metadata["notes"]) == ("payment_intent", "-", "Scales")
    assert session.package
    assert metadata["start_at"] == session.package.asked["starts_at"]
    assert pay(session) == "succeeded"
    assert told(now, "payment_intent.succeeded") == ["succeeded"]
    lesson = Booking.objects.get()
    assert (lesson.status, lesson.payment.status, lesson.note) == ("CONFIRMED", "locked", "Scales")
    assert (purchase(session)["charged"], states(session), owed()) == (12_000, {"booked": 1}, 12_000)
    assert mails_to(cast.student.user) == ["booking_confirmed.student", "package_paid.student"]


def test_twice_told_books_once(shop: Shop, now: datetime) -> None:
    session = prepared(shop, now, lessons=3)
    pay(session)
    for _ in range(3):
        operations.note_package_payment(package_id=session.session_id, actor=STRIPE, now=now)
    assert (Booking.objects.count(), states(session)) == (1, {"booked": 1, "available": 2})
    assert MoneyMovement.objects.filter(kind="collect").count() == 1


def test_when_the_time_is_gone_everything_goes_back(shop: Shop, cast: Cast, now: datetime) -> None:
    session = prepared(shop, now, lessons=5)
    assert session.package
    standing = cast.lesson(datetime.fromisoformat(session.package.asked["starts_at"]), now=now)
    pay(session)
    assert told(now, "payment_intent.succeeded") == ["succeeded"]
    assert purchase(session) == {
        "package": "refused", "payment": "settled", "outcome": "package_refused_full_refund",
        "charged": 50_000, "refunded": 50_000,
    }  # fmt: skip
    lost = Booking.objects.exclude(pk=standing.pk).get()
    assert (lost.status, lost.holds_slot) == ("CANCELLED", False)
    assert lost.cancellation_reason == "Somebody has taken this time meanwhile."
    assert (states(session), owed(), money_of(standing)["booking"]) == ({"void": 5}, 0, "CONFIRMED")
    assert mails_to(cast.student.user).count("package_refused.student") == 1
    told(now + HOUR, "payment_intent.succeeded", "charge.refunded")
    assert [one["amount"] for one in gateway.refunds_of(session.payment_intent_id)] == [50_000]


def test_paid_after_the_lesson_would_have_begun_everything_goes_back(shop: Shop, now: datetime) -> None:
    session = prepared(shop, now)
    pay(session)
    operations.note_package_payment(package_id=session.session_id, actor=STRIPE, now=now + 49 * HOUR)
    assert (purchase(session)["package"], purchase(session)["refunded"]) == ("refused", 12_000)


def test_another_amount_is_refused(shop: Shop, now: datetime) -> None:
    session = prepared(shop, now)
    gateway.client().v1.payment_intents.update(session.payment_intent_id, params={"amount": 50})
    pay(session)
    told(now, "payment_intent.succeeded")
    assert (purchase(session)["package"], purchase(session)["refunded"], Booking.objects.count()) == ("refused", 50, 0)


def test_a_declined_card_ends_it(shop: Shop, now: datetime) -> None:
    session = prepared(shop, now)
    pay(session, FAILING)
    told(now, "payment_intent.payment_failed")
    assert (purchase(session)["package"], states(session)) == ("not_paid", {"void": 1})
    assert gateway.intent(session.payment_intent_id)["status"] == "canceled"


def test_an_intent_nobody_pays_is_cancelled(shop: Shop, now: datetime) -> None:
    session = prepared(shop, now)
    assert jobs.expire_unpaid_packages(now + timedelta(minutes=30)).results == {"given_up": 1}
    assert gateway.intent(session.payment_intent_id)["status"] == "canceled"
    assert Package.objects.get().status == "not_paid"


@pytest.mark.parametrize("where", ["packages.entitlements.open_up", "payments.ledger.platform_charge_lines"])
def test_killed_while_it_is_booked_it_is_booked_once(
    shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    session = prepared(shop, now)
    pay(session)
    with monkeypatch.context() as patched:
        patched.setattr(where, killed)
        with pytest.raises(Killed):
            operations.note_package_payment(package_id=session.session_id, actor=STRIPE, now=now)
    assert resume(now) == {"paid": 1}
    assert (Booking.objects.get().status, purchase(session)["charged"], owed()) == ("CONFIRMED", 12_000, 12_000)


def test_the_same_request_prepares_once(shop: Shop, now: datetime) -> None:
    made = [prepared(shop, now, request_key="again") for _ in range(2)]
    assert made[0].payment_intent_id == made[1].payment_intent_id
    assert Package.objects.count() == 1
