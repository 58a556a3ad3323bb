"""Chargebacks: opened, won, lost, in every state a captured payment can be in (policy 7)."""

from datetime import datetime

import pytest

from accounts.holds import AccountRestricted, NegativeBalance
from bookings import jobs
from bookings.models import Booking
from bookings.operations import (
    cancel_booking,
    note_chargeback,
    report_no_show,
    resolve_no_show,
    staff_cancel_booking,
)
from bookings.operations._errors import ChargebackOpen
from common.actors import STRIPE
from credits.queries import available_cents, balance
from payments import gateway, ledger
from tests.support.cast import HOUR, Cast, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import DAY, give_credits, held, in_account, locked, paid, payment_of


def charge_back(booking: Booking, sandbox: Sandbox, now: datetime) -> str:
    """The student's bank takes the money; Stripe tells us, twice."""
    dispute = sandbox.control("POST", "disputes", charge=payment_of(booking).charge_id, reason="fraudulent")
    for _ in range(2):
        note_chargeback(dispute_id=dispute["id"], booking_id=booking.pk, actor=STRIPE, now=now)
    return str(dispute["id"])


def close(booking: Booking, sandbox: Sandbox, dispute: str, status: str, now: datetime) -> None:
    sandbox.control("POST", f"disputes/{dispute}/close", status=status)
    for _ in range(2):
        note_chargeback(dispute_id=dispute, booking_id=booking.pk, actor=STRIPE, now=now)


@pytest.mark.parametrize("credits", [0, 5000])
def test_a_chargeback_claws_back_and_a_won_one_pays_again(
    cast: Cast, now: datetime, sandbox: Sandbox, credits: int
) -> None:
    give_credits(cast, 5000, now)
    booking = paid(cast, now, credits=credits)
    dispute = charge_back(booking, sandbox, now + 6 * DAY)
    money = money_of(booking)
    assert (money["payment"], money["payout"], in_account(cast)) == ("manual_review", 0, 0)
    close(booking, sandbox, dispute, "won", now + 9 * DAY)
    money = money_of(booking)
    assert (money["payment"], money["outcome"], money["payout"]) == ("settled", "dispute_won", 10560)
    assert in_account(cast) == 10560


def test_a_lost_chargeback_restricts_the_account(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    dispute = charge_back(booking, sandbox, now + 6 * DAY)
    close(booking, sandbox, dispute, "lost", now + 9 * DAY)
    money = money_of(booking)
    assert (money["payment"], money["outcome"]) == ("settled", "student_wins_dispute_full_refund")
    assert (money["refunded"], money["payout"], in_account(cast)) == (13440, 0, 0)
    with pytest.raises(AccountRestricted):
        cast.book(soon(300), now=now)


def cancelled_late(cast: Cast, now: datetime) -> Booking:
    booking = held(cast, now)
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=booking.starts_at - 6 * HOUR)
    return booking


def test_credit_from_the_booking_freezes_and_thaws(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = cancelled_late(cast, now)
    dispute = charge_back(booking, sandbox, now + 6 * DAY)
    assert available_cents(user_id=cast.student.user.pk, now=now) == 0
    assert in_account(cast) == 0
    close(booking, sandbox, dispute, "won", now + 9 * DAY)
    assert available_cents(user_id=cast.student.user.pk, now=now) == 6000
    money = money_of(booking)
    assert (money["outcome"], money["payout"], in_account(cast)) == ("dispute_won", 5280, 5280)


def test_spent_credit_becomes_a_negative_balance(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = cancelled_late(cast, now)
    cast.lesson(soon(100), now=now, credits=4000)
    dispute = charge_back(booking, sandbox, now + 6 * DAY)
    with pytest.raises(NegativeBalance):
        cast.book(soon(300), now=now)
    close(booking, sandbox, dispute, "lost", now + 9 * DAY)
    assert balance(user_id=cast.student.user.pk, now=now).available_cents == 0
    with pytest.raises(AccountRestricted):
        cast.book(soon(300), now=now)


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_locked_payment_is_charged_back(cast: Cast, now: datetime, sandbox: Sandbox, end: str) -> None:
    booking = locked(cast, now)
    dispute = charge_back(booking, sandbox, now + DAY)
    assert money_of(booking)["payment"] == "manual_review"
    close(booking, sandbox, dispute, end, now + 2 * DAY)
    money = money_of(booking)
    if end == "won":
        assert (money["booking"], money["payment"]) == ("CONFIRMED", "locked")
    else:
        assert (money["booking"], money["payment"]) == ("CANCELLED", "settled")
        assert money["outcome"] == "student_wins_dispute_full_refund"


def test_the_platform_balance_is_stripes(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    dispute = charge_back(booking, sandbox, now + 6 * DAY)
    close(booking, sandbox, dispute, "won", now + 9 * DAY)
    stripes = gateway.balance()
    total = sum(part["amount"] for kind in ("available", "pending") for part in stripes[kind])
    reserved = sum(part["amount"] for part in stripes.get("connect_reserved") or [])
    assert ledger.balance_of(ledger.PLATFORM) == total + reserved


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_no_show_report_waits_for_the_bank(cast: Cast, now: datetime, sandbox: Sandbox, end: str) -> None:
    booking = locked(cast, now)
    at = booking.starts_at
    report_no_show(booking_id=booking.pk, actor=cast.as_instructor, no_show_type="student", reason="x", now=at)
    dispute = charge_back(booking, sandbox, at + HOUR)
    assert jobs.resolve_undisputed_no_shows(at + 2 * DAY).processed == 0
    for decide in (
        lambda: resolve_no_show(
            booking_id=booking.pk, actor=cast.as_staff, resolution="dispute_upheld", reason="x", now=at
        ),
        lambda: staff_cancel_booking(booking_id=booking.pk, actor=cast.as_staff, reason="x", refund=True, now=at),
    ):
        with pytest.raises(ChargebackOpen):
            decide()
    close(booking, sandbox, dispute, end, at + 2 * DAY)
    jobs.resolve_undisputed_no_shows(at + 3 * DAY)
    money = money_of(booking)
    if end == "won":
        assert (money["outcome"], in_account(cast)) == ("student_no_show_full_payout", 10560)
    else:
        assert (money["outcome"], in_account(cast)) == ("student_wins_dispute_full_refund", 0)
