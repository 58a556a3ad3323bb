"""Checkout, the hold at T−24 h, declined holds (policy 4.2, 4.3)."""

from datetime import datetime, timedelta

import pytest

from bookings import jobs
from bookings.models import Booking
from bookings.operations import change_payment_method, check_out, confirm_hold, retry_payment
from bookings.operations._errors import BookingCancelled, BookingConflict, CheckoutExpired
from common.actors import STRIPE
from common.problems import CardRefused
from credits.queries import available_cents
from tests.support.cast import HOUR, NOTHING, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import BAD_CARD, DAY, give_credits, intent_status, payment_of

SECOND = timedelta(seconds=1)


def test_a_far_lesson_is_not_held_before_its_hour(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(24 * 30), now=now)
    assert (booking.status, booking.payment_status) == ("CONFIRMED", "scheduled")
    assert payment_of(booking).auth_scheduled_for == booking.starts_at - DAY
    assert jobs.process_scheduled_authorizations(booking.starts_at - DAY - SECOND).processed == 0
    assert intent_status(booking) == "requires_payment_method" or intent_status(booking) == "requires_confirmation"
    assert jobs.process_scheduled_authorizations(booking.starts_at - DAY).processed == 1
    assert intent_status(booking) == "requires_capture"


def test_at_exactly_24_hours_the_hold_waits_for_the_job_and_one_second_later_it_is_placed(
    cast: Cast, now: datetime
) -> None:
    far, near = soon(48), soon(50)
    first, second = cast.book(far, now=now), cast.book(near, now=now)
    assert cast.check_out(first, now=far - DAY).booking.payment_status == "scheduled"
    assert cast.check_out(second, now=near - DAY + SECOND).booking.payment_status == "authorized"


def test_a_second_checkout_answers_the_first_and_reserves_once(cast: Cast, now: datetime) -> None:
    give_credits(cast, 5000, now)
    booking = cast.book(soon(48), now=now)
    for _ in range(2):
        answer = cast.check_out(booking, now=now, credits=2000)
        assert answer.booking.payment.credits_reserved_cents == 2000
    assert available_cents(user_id=cast.student.user.pk, now=now) == 3000
    assert answer.booking.payment.card_amount_cents == 11440
    assert answer.booking.payment.application_fee_cents == 880


def test_credits_never_pay_the_student_fee(cast: Cast, now: datetime) -> None:
    give_credits(cast, 50000, now)
    payment = cast.lesson(soon(48), now=now, credits=50000).payment
    assert (payment.credits_reserved_cents, payment.card_amount_cents, payment.top_up_cents) == (12000, 1440, 9120)


def test_a_declined_checkout_gives_its_slot_up_and_has_thirty_minutes(cast: Cast, now: datetime) -> None:
    give_credits(cast, 5000, now)
    booking = cast.book(soon(5), now=now)
    with pytest.raises(CardRefused) as refused:
        cast.check_out(booking, now=now, card=BAD_CARD, credits=1000)
    assert refused.value.status == 402
    assert not Booking.objects.get(pk=booking.pk).holds_slot
    assert jobs.check_immediate_auth_timeout(now + timedelta(minutes=30) - SECOND).processed == 0
    assert jobs.check_immediate_auth_timeout(now + timedelta(minutes=30)).processed == 1
    assert money_of(booking) == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "student_cancel_gt24_no_charge",
        "released": 1000,
    }
    assert available_cents(user_id=cast.student.user.pk, now=now) == 5000
    assert intent_status(booking) == "canceled"
    with pytest.raises(BookingCancelled):
        cast.check_out(booking, now=now)


def test_a_declined_checkout_is_paid_with_another_card(cast: Cast, now: datetime) -> None:
    booking = cast.book(soon(5), now=now)
    with pytest.raises(CardRefused):
        cast.check_out(booking, now=now, card=BAD_CARD)
    answer = cast.check_out(booking, now=now + timedelta(minutes=29), card="pm_card_visa")
    assert (answer.booking.status, answer.booking.payment_status) == ("CONFIRMED", "authorized")


def test_after_thirty_minutes_it_is_too_late_even_before_the_job(cast: Cast, now: datetime) -> None:
    booking = cast.book(soon(5), now=now)
    with pytest.raises(CardRefused):
        cast.check_out(booking, now=now, card=BAD_CARD)
    with pytest.raises(CheckoutExpired):
        cast.check_out(booking, now=now + timedelta(minutes=30), card="pm_card_visa")


def test_a_slot_given_up_may_be_taken_by_somebody_else(cast: Cast, now: datetime) -> None:
    from common.actors import Role
    from sandbox_mode.people import make_person

    start = soon(5)
    booking = cast.book(start, now=now)
    other = Cast(make_person(role=Role.STUDENT, now=now, card="pm_card_visa"), cast.instructor, cast.staff)
    with pytest.raises(BookingConflict):
        other.book(start, now=now)
    with pytest.raises(CardRefused):
        cast.check_out(booking, now=now, card=BAD_CARD)
    other.lesson(start, now=now)
    with pytest.raises(BookingConflict):
        cast.check_out(booking, now=now, card="pm_card_visa")
    assert money_of(booking)["charged"] == 0


def test_3d_secure_is_finished_in_the_browser_and_confirmed_by_webhook(
    cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    booking = cast.book(soon(5), now=now)
    answer = cast.check_out(booking, now=now, card="pm_card_authenticationRequired")
    assert answer.requires_action
    assert answer.client_secret
    again = cast.check_out(booking, now=now)
    assert (again.requires_action, again.client_secret) == (True, answer.client_secret)
    assert Booking.objects.get(pk=booking.pk).holds_slot
    intent = payment_of(booking).payment_intent_id
    sandbox.control("POST", f"authentications/{intent}", result="succeed")
    confirm_hold(booking_id=booking.pk, actor=STRIPE, now=now)
    confirm_hold(booking_id=booking.pk, actor=STRIPE, now=now)
    money = money_of(booking)
    assert (money["booking"], money["payment"]) == ("CONFIRMED", "authorized")
    assert mails_to(cast.student.user).count("hold_placed.student") == 1


def test_3d_secure_that_fails_gives_the_slot_up(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = cast.book(soon(5), now=now)
    cast.check_out(booking, now=now, card="pm_card_authenticationRequired")
    sandbox.control("POST", f"authentications/{payment_of(booking).payment_intent_id}", result="fail")
    confirm_hold(booking_id=booking.pk, actor=STRIPE, now=now)
    assert not Booking.objects.get(pk=booking.pk).holds_slot
    assert payment_of(booking).auth_failure_count == 1
    assert cast.check_out(booking, now=now, card="pm_card_visa").booking.payment_status == "authorized"


def test_a_declined_hold_is_tried_at_23_19_and_13_hours_and_given_up_at_12(cast: Cast, now: datetime) -> None:
    give_credits(cast, 5000, now)
    booking = cast.lesson(soon(72), now=now, card=BAD_CARD, credits=1500)
    start = booking.starts_at
    assert jobs.process_scheduled_authorizations(start - DAY).results == {"declined": 1}
    for failures, before in enumerate((23, 19, 13), 2):
        due = start - before * HOUR
        assert payment_of(booking).auth_next_attempt_at == due
        jobs.retry_failed_authorizations(due - SECOND)
        assert payment_of(booking).auth_failure_count == failures - 1
        jobs.retry_failed_authorizations(due)
        assert payment_of(booking).auth_failure_count == failures
    mails = mails_to(cast.student.user)
    assert (mails.count("hold_failed.student"), mails.count("hold_final_warning.student")) == (1, 1)
    jobs.retry_failed_authorizations(start - 12 * HOUR - SECOND)
    assert money_of(booking)["booking"] == "CONFIRMED"
    jobs.retry_failed_authorizations(start - 12 * HOUR)
    money = money_of(booking)
    assert (money["booking"], money["outcome"], money["released"]) == (
        "CANCELLED",
        "student_cancel_gt24_no_charge",
        1500,
    )
    assert intent_status(booking) == "canceled"
    keys = payment_of(booking).movements.filter(kind="authorize").values_list("idempotency_key", flat=True)
    assert len(set(keys)) == 4


def test_the_student_mends_a_declined_hold_with_a_new_card(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(72), now=now, card=BAD_CARD)
    jobs.process_scheduled_authorizations(booking.starts_at - DAY)
    at = booking.starts_at - 15 * HOUR
    with pytest.raises(CardRefused):
        retry_payment(booking_id=booking.pk, actor=cast.as_student, now=at)
    answer = change_payment_method(
        booking_id=booking.pk, actor=cast.as_student, payment_method_id="pm_card_visa", now=at
    )
    assert answer.booking.payment_status == "authorized"
    jobs.retry_failed_authorizations(booking.starts_at - 12 * HOUR)
    assert money_of(booking)["booking"] == "CONFIRMED"


def test_a_booking_nobody_checks_out_is_given_up(cast: Cast, now: datetime) -> None:
    booking = cast.book(soon(48), now=now)
    assert jobs.expire_pending_bookings(now + timedelta(minutes=29)).processed == 0
    assert jobs.expire_pending_bookings(now + timedelta(minutes=30)).processed == 1
    assert money_of(booking)["booking"] == "CANCELLED"
    with pytest.raises(BookingCancelled):
        check_out(booking_id=booking.pk, actor=cast.as_student, now=now)
