"""The capture 24 h after the end, what fails then, and how it is mended or escalated (policy 4.5)."""

from datetime import datetime, timedelta

import pytest

from accounts.holds import AccountLocked
from accounts.models import AccountHold
from bookings import jobs
from bookings.models import Booking, SupportItem
from bookings.operations import (
    cancel_booking,
    capture_now,
    change_payment_method,
    complete_lesson,
    finish_repayment,
    resolve_review,
    retry_payment,
    staff_cancel_booking,
)
from bookings.operations._errors import LessonNotEnded, UnderReview
from tests.support.cast import HOUR, NOTHING, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import DAY, give_credits, held, in_account, paid, payment_of, refuse, unpaid_capture

SECOND = timedelta(seconds=1)
PAID = {
    **NOTHING,
    "booking": "COMPLETED",
    "payment": "settled",
    "outcome": "lesson_completed_full_payout",
    "charged": 13440,
    "payout": 10560,
}


def test_a_lesson_nobody_completes_is_captured_24_hours_after_its_end(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY - SECOND).processed == 0
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 1
    assert jobs.capture_completed_lessons(booking.ends_at + 2 * DAY).processed == 0
    assert money_of(booking) == PAID
    assert Booking.objects.get(pk=booking.pk).completed_at == booking.ends_at
    assert in_account(cast) == 10560


def test_the_instructor_completes_after_the_end_and_not_before(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    with pytest.raises(LessonNotEnded):
        complete_lesson(booking_id=booking.pk, actor=cast.as_instructor, now=booking.ends_at - SECOND)
    for _ in range(2):
        complete_lesson(booking_id=booking.pk, actor=cast.as_instructor, now=booking.ends_at)
    assert money_of(booking)["payment"] == "authorized"
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 1
    assert money_of(booking) == PAID


@pytest.mark.parametrize(("credits", "charged"), [(2000, 11440), (5000, 8440), (12000, 1440)])
def test_credits_are_topped_up_for_the_instructor(cast: Cast, now: datetime, credits: int, charged: int) -> None:
    give_credits(cast, 12000, now)
    booking = paid(cast, now, credits=credits)
    assert money_of(booking) == {**PAID, "charged": charged, "consumed": credits}
    assert in_account(cast) == 10560


def test_staff_capture_after_the_end(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    with pytest.raises(LessonNotEnded):
        capture_now(booking_id=booking.pk, actor=cast.as_staff, now=booking.ends_at - SECOND)
    capture_now(booking_id=booking.pk, actor=cast.as_staff, now=booking.ends_at)
    assert money_of(booking) == PAID


def test_an_expired_hold_is_placed_again_and_captured(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    sandbox.control("POST", "clock", advance_seconds=8 * 24 * 3600)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).results == {"lesson_completed_full_payout": 1}
    assert money_of(booking) == PAID


def test_a_refused_capture_is_tried_every_four_hours(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = unpaid_capture(cast, now, sandbox)
    failed = booking.ends_at + DAY
    assert money_of(booking) == {**NOTHING, "booking": "COMPLETED", "payment": "payment_method_required"}
    assert jobs.retry_failed_captures(failed + 4 * HOUR - SECOND).processed == 0
    refuse(sandbox, "/v1/payment_intents/*/capture")
    assert jobs.retry_failed_captures(failed + 4 * HOUR).processed == 1
    payment = payment_of(booking)
    assert (payment.capture_failed_at, payment.capture_retry_count) == (failed, 1)
    assert jobs.retry_failed_captures(failed + 8 * HOUR).processed == 1
    assert money_of(booking) == PAID
    assert mails_to(cast.student.user).count("capture_failed.student") == 1


def escalated(cast: Cast, now: datetime, sandbox: Sandbox) -> Booking:
    booking = unpaid_capture(cast, now, sandbox)
    failed = booking.ends_at + DAY
    refuse(sandbox, "/v1/payment_intents/*/capture", count=100)
    for hours in range(4, 72, 4):
        jobs.retry_failed_captures(failed + hours * HOUR)
    assert money_of(booking)["payment"] == "payment_method_required"
    assert jobs.retry_failed_captures(failed + 72 * HOUR).results == {"escalated": 1}
    sandbox.control("DELETE", "faults")
    return booking


def test_after_72_hours_the_instructor_is_paid_and_the_student_locked(
    cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    booking = escalated(cast, now, sandbox)
    assert money_of(booking) == {
        **NOTHING,
        "booking": "COMPLETED",
        "payment": "manual_review",
        "payout": 10560,
    }
    assert in_account(cast) == 10560
    assert payment_of(booking).capture_retry_count == 17
    with pytest.raises(AccountLocked):
        cast.book(soon(200), now=now)
    assert SupportItem.objects.filter(kind="capture_escalated", closed_at=None).exists()


def test_paying_an_escalated_lesson_unlocks_and_pays_the_instructor_once(
    cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    booking = escalated(cast, now, sandbox)
    retry_payment(booking_id=booking.pk, actor=cast.as_student, now=booking.ends_at + 5 * DAY)
    money = money_of(booking)
    assert (money["payment"], money["outcome"]) == ("settled", "capture_failure_instructor_paid")
    assert (money["charged"], money["payout"]) == (13440, 10560)
    assert in_account(cast) == 10560
    assert not AccountHold.objects.filter(lifted_at=None).exists()
    cast.book(soon(200), now=now)


def test_staff_write_an_escalated_lesson_off(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = escalated(cast, now, sandbox)
    resolve_review(
        booking_id=booking.pk, actor=cast.as_staff, resolution="full_payout", reason="Written off", now=now + 9 * DAY
    )
    money = money_of(booking)
    assert (money["payment"], money["outcome"]) == ("settled", "capture_failure_instructor_paid")
    assert (money["charged"], money["payout"]) == (0, 10560)


def test_a_refused_top_up_waits_for_support_and_is_paid_on_resume(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    give_credits(cast, 12000, now)
    booking = held(cast, now, credits=5000)
    refuse(sandbox, "/v1/transfers", code="balance_insufficient")
    jobs.capture_completed_lessons(booking.ends_at + DAY)
    money = money_of(booking)
    assert (money["payment"], money["outcome"], money["payout"]) == ("manual_review", "", 8440)
    resolve_review(
        booking_id=booking.pk, actor=cast.as_staff, resolution="resume", reason="Float refilled", now=now + 5 * DAY
    )
    assert money_of(booking) == {**PAID, "charged": 8440, "consumed": 5000}
    assert in_account(cast) == 10560


@pytest.mark.parametrize(
    ("notice", "advanced", "credit", "outcome"),
    [(20, 0, 12000, "student_cancel_12_24_full_credit"), (6, 5280, 6000, "student_cancel_lt12_split_50_50")],
)
def test_a_late_cancellation_nobody_pays_advances_only_what_it_owes(
    cast: Cast, now: datetime, sandbox: Sandbox, notice: int, advanced: int, credit: int, outcome: str
) -> None:
    booking = held(cast, now)
    at = booking.starts_at - notice * HOUR
    refuse(sandbox, "/v1/payment_intents/*/capture", count=100)
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=at)
    assert money_of(booking) == {**NOTHING, "booking": "CANCELLED", "payment": "payment_method_required"}
    assert jobs.capture_late_cancellation(at + HOUR, booking.pk).results == {"capture_failed": 1}
    assert jobs.retry_failed_captures(at + 72 * HOUR).results == {"escalated": 1}
    money = money_of(booking)
    assert (money["payment"], money["payout"], money["credit"]) == ("manual_review", advanced, 0)
    with pytest.raises(AccountLocked):
        cast.book(soon(200), now=now)
    sandbox.control("DELETE", "faults")
    retry_payment(booking_id=booking.pk, actor=cast.as_student, now=at + 5 * DAY)
    money = money_of(booking)
    assert (money["outcome"], money["charged"], money["payout"], money["credit"]) == (outcome, 13440, advanced, credit)
    assert in_account(cast) == advanced


def test_3d_secure_of_a_repayment_is_finished_by_the_webhook(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = escalated(cast, now, sandbox)
    sandbox.control("POST", "clock", advance_seconds=12 * 24 * 3600)  # the old hold is gone
    at = booking.ends_at + 9 * DAY
    with pytest.raises(UnderReview):
        staff_cancel_booking(booking_id=booking.pk, actor=cast.as_staff, reason="x", refund=True, now=at)
    answer = change_payment_method(
        booking_id=booking.pk, actor=cast.as_student, payment_method_id="pm_card_authenticationRequired", now=at
    )
    assert answer.requires_action
    intent = payment_of(booking).payment_intent_id
    sandbox.control("POST", f"authentications/{intent}", result="succeed")
    assert finish_repayment(booking_id=booking.pk, actor=cast.as_student, now=at) == "repaid"
    assert finish_repayment(booking_id=booking.pk, actor=cast.as_student, now=at) == "nothing"
    money = money_of(booking)
    assert (money["outcome"], money["charged"], in_account(cast)) == ("capture_failure_instructor_paid", 13440, 10560)
