"""More protections switched off: the right amounts, the right moments."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.operations import _holds, _movements, _story, capture, chargebacks, reschedule
from bookings.policy import holds, windows
from bookings.policy.terms import Share, Terms
from credits import operations as credit_lots
from credits.models import CreditLot
from payments import ledger, settlement
from payments.settlement import Movement
from payments.vocabulary import PaymentStatus

from .sabotage_patches import everywhere, handler

Kind = _story.Kind


# --- The right amounts -----------------------------------------------------------------------------------------------
def reversal_without_the_fee() -> Any:
    return handler(Kind.REVERSE, "refund_application_fee")


def refund_without_the_transfer() -> Any:
    return handler(Kind.REFUND, "reverse_transfer", "refund_application_fee")


@contextmanager
def half_of_the_transfer() -> Iterator[None]:
    """Half is paid of what the automatic transfer was, not of P."""

    def payout(self: Terms, amounts: Any) -> int:
        whole = amounts.automatic_transfer_cents if self.pays is Share.HALF else amounts.payout_full_cents
        return self.pays.of(whole)

    with patch.object(Terms, "payout_cents", payout):
        yield


def _without(real: Callable[..., list[Movement]], unwanted: Callable[[Movement], bool]) -> Any:
    return everywhere(real, lambda *args, **kwargs: [m for m in real(*args, **kwargs) if not unwanted(m)])


def no_top_up() -> Any:
    return _without(_movements.movements_for, lambda m: m.purpose == "top_up")


def hold_left_standing() -> Any:
    return _without(_movements.movements_for, lambda m: m.kind == Kind.CANCEL_INTENT)


@contextmanager
def chargeback_skips_the_top_up() -> Iterator[None]:
    real = _movements.take_back
    kept = lambda payment: [m for m in real(payment) if m.purpose != "top_up"]  # noqa: E731
    with patch.object(chargebacks, "take_back", kept):
        yield


def intended_payout_recorded() -> Any:
    return everywhere(settlement.paid_to_instructor, lambda payment: payment.instructor_payout_full_cents)


@contextmanager
def ledger_without_transfers() -> Iterator[None]:
    real = ledger.post
    with patch.object(ledger, "post", lambda *, kind, **rest: kind != "transfer" and real(kind=kind, **rest)):
        yield


@contextmanager
def credits_stay_reserved() -> Iterator[None]:
    with patch.object(credit_lots, "release", lambda **asked: []):
        yield


@contextmanager
def expiry_renewed() -> Iterator[None]:
    real = credit_lots.release

    def release(*, now: datetime, **asked: Any) -> Any:
        entries = real(now=now, **asked)
        renewed = [entry.lot_id for entry in entries]
        CreditLot.objects.filter(pk__in=renewed).update(expires_at=now + timedelta(days=365))
        return entries

    with patch.object(credit_lots, "release", release):
        yield


# --- The right moment ------------------------------------------------------------------------------------------------
@contextmanager
def first_failure_moves() -> Iterator[None]:
    """Each failed capture starts the 72 hours again."""
    real = capture.capture_failed

    def failed(plan: Any, booking: Booking, *rest: Any) -> str:
        booking.payment.capture_failed_at = None
        return real(plan, booking, *rest)

    with everywhere(real, failed):
        yield


def given_up_a_second_late() -> Any:
    return patch.object(holds, "GIVE_UP_BEFORE", holds.GIVE_UP_BEFORE - timedelta(seconds=1))


def last_minute_a_second_early() -> Any:
    return patch.object(windows, "HALF_DAY_BEFORE", windows.HALF_DAY_BEFORE + timedelta(seconds=1))


def window_by_the_clock_on_the_wall() -> Any:
    real, zone = windows.window_of, ZoneInfo("America/New_York")

    def by_wall(*, starts_at: datetime, now: datetime) -> windows.Window:
        start, moment = (instant.astimezone(zone).replace(tzinfo=None) for instant in (starts_at, now))
        return real(starts_at=start, now=moment)

    return everywhere(real, by_wall)


@contextmanager
def capture_in_review() -> Iterator[None]:
    """A frozen payment is captured as if it were not."""
    real = _story.lock_at_rest

    def thawed(booking_id: str) -> Booking:
        booking = real(booking_id)
        if booking.payment.status == PaymentStatus.MANUAL_REVIEW:
            booking.payment.thaw()
        return booking

    with patch.object(capture, "lock_at_rest", thawed):
        yield


@contextmanager
def slot_secured_after_the_money() -> Iterator[None]:
    """The new time of a moved lesson is taken only when its money has moved."""
    real, moved = reschedule._hold_new_slot, reschedule._moved

    def unheld(*args: Any) -> Booking:
        new = real(*args)
        Booking.objects.filter(pk=new.pk).update(holds_slot=False)
        return new

    def taken(plan: Any, old: Booking, new: Booking, now: datetime) -> str:
        new.holds_slot = True
        return moved(plan, old, new, now)

    with patch.object(reschedule, "_hold_new_slot", unheld), patch.object(reschedule, "_moved", taken):
        yield


@contextmanager
def slot_kept_when_declined() -> Iterator[None]:
    real = _holds._declined

    def declined(plan: Any, booking: Booking, *rest: Any) -> str:
        result = real(plan, booking, *rest)
        booking.holds_slot = True
        booking.save()
        return result

    with patch.object(_holds, "_declined", declined):
        yield


def expired_hold_not_placed_again() -> Any:
    return everywhere(_movements.hold_again, lambda plan, payment: [])
