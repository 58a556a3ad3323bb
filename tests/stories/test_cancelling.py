"""Cancelling, in each window, by each side, from each status (policy 5). LP 12000 at 1200 bps: P 10560, SF 1440, PI 13440."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import jobs
from bookings.models import Booking
from bookings.operations import cancel_booking, staff_cancel_booking
from common.actors import Actor, Role
from common.problems import NotFound
from credits.queries import available_cents
from payments import ledger
from tests.support.cast import HOUR, NOTHING, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import BAD_CARD, DAY, give_credits, held, in_account, intent_status, locked, refuse


def cancel(cast: Cast, booking: Booking, now: datetime) -> dict[str, Any]:
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=now)
    return money_of(booking)


@pytest.mark.parametrize("seconds", [0, 1])
def test_until_24_hours_before_nothing_is_charged(cast: Cast, now: datetime, seconds: int) -> None:
    booking = cast.lesson(soon(48), now=now)
    money = cancel(cast, booking, booking.starts_at - DAY - timedelta(seconds=seconds))
    assert money == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "student_cancel_gt24_no_charge",
    }
    assert intent_status(booking) == "canceled"


def test_one_second_later_the_price_comes_back_as_credit(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    money = cancel(cast, booking, booking.starts_at - DAY + timedelta(seconds=1))
    assert money == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "student_cancel_12_24_full_credit",
        "charged": 13440,
        "credit": 12000,
        "issued": 12000,
    }
    assert available_cents(user_id=cast.student.user.pk, now=now) == 12000
    assert in_account(cast) == 0
    assert "payment_settled.student" in mails_to(cast.student.user)


def test_at_six_hours_the_price_is_split(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    money = cancel(cast, booking, booking.starts_at - 6 * HOUR)
    assert money == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "student_cancel_lt12_split_50_50",
        "charged": 13440,
        "credit": 6000,
        "issued": 6000,
        "payout": 5280,
    }
    assert in_account(cast) == 5280
    assert ledger.balance_of(ledger.connected(cast.instructor.stripe_account_id)) == 5280


@pytest.mark.parametrize(
    ("reserved", "released", "issued", "forfeited"), [(2000, 2000, 4000, 0), (6000, 6000, 0, 0), (9000, 6000, 0, 3000)]
)
def test_reserved_credits_come_back_first(
    cast: Cast, now: datetime, reserved: int, released: int, issued: int, forfeited: int
) -> None:
    give_credits(cast, 9000, now)
    booking = held(cast, now, credits=reserved)
    money = cancel(cast, booking, booking.starts_at - 6 * HOUR)
    assert (money["released"], money["issued"], money["forfeited"]) == (released, issued, forfeited)
    assert money["credit"] == 6000
    assert available_cents(user_id=cast.student.user.pk, now=now) == 9000 - reserved + 6000


def test_a_late_job_does_not_change_the_terms(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(48), now=now)  # still scheduled: the hold job never ran
    money = cancel(cast, booking, booking.starts_at - 6 * HOUR)
    assert money["outcome"] == "student_cancel_lt12_split_50_50"
    assert money["payout"] == 5280


def test_a_late_job_and_a_declined_card_cost_nothing(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(48), now=now, card=BAD_CARD)
    money = cancel(cast, booking, booking.starts_at - 6 * HOUR)
    assert money == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "student_cancel_gt24_no_charge",
    }
    assert intent_status(booking) == "canceled"


def test_a_declined_hold_is_cancelled_for_nothing(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(48), now=now, card=BAD_CARD)
    assert jobs.process_scheduled_authorizations(booking.starts_at - DAY).results == {"declined": 1}
    money = cancel(cast, booking, booking.starts_at - 20 * HOUR)
    assert money["outcome"] == "student_cancel_gt24_no_charge"


def test_the_instructor_cancels_a_hold(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    cancel_booking(booking_id=booking.pk, actor=cast.as_instructor, reason="Ill", now=booking.starts_at - HOUR)
    assert money_of(booking) == {
        **NOTHING,
        "booking": "CANCELLED",
        "payment": "settled",
        "outcome": "instructor_cancel_full_refund",
    }
    assert intent_status(booking) == "canceled"


def test_cancelling_a_locked_lesson_in_time_gives_credit(cast: Cast, now: datetime) -> None:
    booking = locked(cast, now)
    money = cancel(cast, booking, booking.starts_at - 12 * HOUR)
    assert (money["outcome"], money["credit"], money["payout"]) == ("locked_cancel_ge12_full_credit", 12000, 0)


def test_cancelling_a_locked_lesson_last_minute_splits(cast: Cast, now: datetime) -> None:
    booking = locked(cast, now)
    money = cancel(cast, booking, booking.starts_at - 12 * HOUR + timedelta(seconds=1))
    assert (money["outcome"], money["credit"], money["payout"]) == ("locked_cancel_lt12_split_50_50", 6000, 5280)
    assert in_account(cast) == 5280


def test_the_instructor_cancels_a_locked_lesson(cast: Cast, now: datetime) -> None:
    booking = locked(cast, now)
    cancel_booking(booking_id=booking.pk, actor=cast.as_instructor, reason="Ill", now=booking.starts_at - HOUR)
    money = money_of(booking)
    assert (money["outcome"], money["refunded"], money["payout"]) == ("instructor_cancel_full_refund", 13440, 0)
    assert in_account(cast) == 0


@pytest.mark.parametrize(
    ("refund", "outcome", "credit"), [(True, "admin_refund", 0), (False, "student_cancel_12_24_full_credit", 12000)]
)
def test_staff_cancel(cast: Cast, now: datetime, refund: bool, outcome: str, credit: int) -> None:
    booking = held(cast, now)
    staff_cancel_booking(
        booking_id=booking.pk,
        actor=cast.as_staff,
        reason="Asked by phone",
        refund=refund,
        now=booking.starts_at - 20 * HOUR,
    )
    money = money_of(booking)
    assert (money["outcome"], money["credit"]) == (outcome, credit)


def test_cancelling_twice_answers_the_first_again(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    first = cancel(cast, booking, booking.starts_at - 20 * HOUR)
    assert cancel(cast, booking, booking.starts_at - 6 * HOUR) == first


def test_a_stranger_finds_no_booking(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    with pytest.raises(NotFound):
        cancel_booking(booking_id=booking.pk, actor=Actor(Role.STUDENT, "somebody else"), reason="Ill", now=now)
    assert money_of(booking)["booking"] == "CONFIRMED"


# --- What Stripe refuses ---------------------------------------------------------------------------------------------
def test_a_refused_reversal_gives_nothing_and_asks_a_person(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    refuse(sandbox, "/v1/transfers/*/reversals", code="balance_insufficient")
    money = cancel(cast, booking, booking.starts_at - 20 * HOUR)
    assert money == {**NOTHING, "booking": "CANCELLED", "payment": "manual_review", "charged": 13440, "payout": 10560}
    assert available_cents(user_id=cast.student.user.pk, now=now) == 0


def test_a_refused_payout_still_gives_the_credit(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    refuse(sandbox, "/v1/transfers", code="balance_insufficient")
    money = cancel(cast, booking, booking.starts_at - 6 * HOUR)
    assert (money["payment"], money["outcome"], money["payout"], money["issued"]) == ("manual_review", "", 0, 6000)


def test_a_refused_capture_gives_nothing_and_is_tried_again(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    at = booking.starts_at - 6 * HOUR
    refuse(sandbox, "/v1/payment_intents/*/capture")
    money = cancel(cast, booking, at)
    assert money == {**NOTHING, "booking": "CANCELLED", "payment": "payment_method_required"}
    jobs.retry_failed_captures(at + 4 * HOUR - timedelta(seconds=1))
    assert money_of(booking)["payment"] == "payment_method_required"
    assert jobs.retry_failed_captures(at + 4 * HOUR).processed == 1
    money = money_of(booking)
    assert (money["outcome"], money["credit"], money["payout"]) == ("student_cancel_lt12_split_50_50", 6000, 5280)
