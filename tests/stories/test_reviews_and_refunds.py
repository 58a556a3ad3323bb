"""Completion disputes, staff refunds, reviews of what Stripe refused (policy 7)."""

from datetime import datetime

import pytest

from bookings import jobs
from bookings.models import Booking, SupportItem
from bookings.operations import cancel_booking, dispute_completion, refund_booking, resolve_review
from bookings.operations.refund import NothingToRefund, NotSettled, RefundTooLarge
from bookings.operations.resolve_review import NotInReview
from common.problems import PermissionDenied
from credits.queries import available_cents
from tests.support.cast import HOUR, Cast, money_of
from tests.support.sandbox import Sandbox

from .acts import DAY, give_credits, held, in_account, locked, paid, refuse


def disputed(cast: Cast, booking: Booking) -> Booking:
    dispute_completion(
        booking_id=booking.pk, actor=cast.as_instructor, reason="They left after ten minutes", now=booking.ends_at
    )
    return booking


@pytest.mark.parametrize(
    ("resolution", "outcome", "credit", "payout"),
    [
        ("full_payout", "lesson_completed_full_payout", 0, 10560),
        ("full_refund", "student_wins_dispute_full_refund", 0, 0),
        ("split_50_50", "student_cancel_lt12_split_50_50", 6000, 5280),
    ],
)
@pytest.mark.parametrize("money_is", ["held", "locked"])
def test_a_completion_dispute_ends_three_ways(
    cast: Cast, now: datetime, resolution: str, outcome: str, credit: int, payout: int, money_is: str
) -> None:
    booking = disputed(cast, held(cast, now) if money_is == "held" else locked(cast, now))
    assert money_of(booking)["payment"] == "manual_review"
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 0
    resolve_review(
        booking_id=booking.pk,
        actor=cast.as_staff,
        resolution=resolution,
        reason="Heard both",
        now=booking.ends_at + DAY,
    )
    if money_is == "locked" and resolution == "split_50_50":
        outcome = "locked_cancel_lt12_split_50_50"
    money = money_of(booking)
    assert (money["payment"], money["outcome"], money["credit"], money["payout"]) == (
        "settled",
        outcome,
        credit,
        payout,
    )
    assert in_account(cast) == payout
    assert not SupportItem.objects.filter(closed_at=None).exists()


def test_a_dispute_can_be_let_go(cast: Cast, now: datetime) -> None:
    booking = disputed(cast, held(cast, now))
    resolve_review(booking_id=booking.pk, actor=cast.as_staff, resolution="resume", reason="Fine", now=booking.ends_at)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 1
    with pytest.raises(NotInReview):
        resolve_review(booking_id=booking.pk, actor=cast.as_staff, resolution="resume", reason="x", now=now)


def refund(cast: Cast, booking: Booking, amount: int | None, now: datetime) -> str:
    return refund_booking(
        booking_id=booking.pk, actor=cast.as_staff, amount_cents=amount, reason="platform_error", now=now
    ).refund_id


@pytest.mark.parametrize("credits", [0, 5000])
def test_a_full_refund_takes_everything_back(cast: Cast, now: datetime, credits: int) -> None:
    give_credits(cast, 5000, now)
    booking = paid(cast, now, credits=credits)
    assert refund(cast, booking, None, now + 5 * DAY).startswith("re_")
    money = money_of(booking)
    assert (money["outcome"], money["refunded"], money["payout"]) == ("admin_refund", 13440 - credits, 0)
    assert in_account(cast) == 0
    with pytest.raises(NothingToRefund):
        refund(cast, booking, None, now + 6 * DAY)


def test_partial_refunds_take_back_in_proportion(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    refund(cast, booking, 3360, now + 5 * DAY)  # a quarter
    money = money_of(booking)
    assert (money["refunded"], money["payout"], in_account(cast)) == (3360, 7920, 7920)
    with pytest.raises(RefundTooLarge):
        refund(cast, booking, 10081, now + 5 * DAY)
    refund(cast, booking, None, now + 5 * DAY)
    money = money_of(booking)
    assert (money["refunded"], money["payout"], in_account(cast)) == (13440, 0, 0)


def test_a_refund_with_a_top_up_takes_both_transfers_in_proportion(cast: Cast, now: datetime) -> None:
    give_credits(cast, 5000, now)
    booking = paid(cast, now, credits=5000)  # 8440 by the charge, 2120 by the top-up
    refund(cast, booking, 4220, now + 5 * DAY)
    assert (money_of(booking)["payout"], in_account(cast)) == (5280, 5280)


def test_only_staff_refund_and_only_what_is_settled(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    with pytest.raises(NotSettled):
        refund(cast, booking, None, now)
    with pytest.raises(PermissionDenied):
        refund_booking(booking_id=booking.pk, actor=cast.as_student, amount_cents=None, reason="other", now=now)


def test_a_refund_of_a_cancellation_takes_its_credit_back(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=booking.starts_at - 20 * HOUR)
    assert available_cents(user_id=cast.student.user.pk, now=now) == 12000
    refund(cast, booking, None, now + DAY)
    assert available_cents(user_id=cast.student.user.pk, now=now) == 0
    assert (money_of(booking)["refunded"], in_account(cast)) == (13440, 0)


def test_a_refused_refund_waits_for_support(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = locked(cast, now)
    refuse(sandbox, "/v1/refunds", code="balance_insufficient")
    cancel_booking(booking_id=booking.pk, actor=cast.as_instructor, reason="Ill", now=now)
    money = money_of(booking)
    assert (money["payment"], money["refunded"], money["outcome"]) == ("manual_review", 0, "")
    assert SupportItem.objects.get(closed_at=None).kind == "refund_failed"
    resolve_review(
        booking_id=booking.pk, actor=cast.as_staff, resolution="resume", reason="Float refilled", now=now + DAY
    )
    money = money_of(booking)
    assert (money["payment"], money["refunded"], money["outcome"]) == (
        "settled",
        13440,
        "instructor_cancel_full_refund",
    )


def test_a_refused_reversal_is_done_once_more(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    refuse(sandbox, "/v1/transfers/*/reversals", code="balance_insufficient")
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=booking.starts_at - 6 * HOUR)
    resolve_review(booking_id=booking.pk, actor=cast.as_staff, resolution="resume", reason="Again", now=now + DAY)
    money = money_of(booking)
    assert (money["outcome"], money["credit"], money["payout"]) == ("student_cancel_lt12_split_50_50", 6000, 5280)
    assert in_account(cast) == 5280
