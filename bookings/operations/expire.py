"""Give up what nobody paid: the 30-minute limit, abandoned bookings; and how giving up is concluded (policy 4.2, 10)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.policy import holds
from bookings.state_machine import BookingStatus
from common.actors import Actor
from payments.models import MoneyMovement, MoneyPlan

from ._conclusions import from_plain, review, settle
from ._story import Moves, lock_at_rest, one_at_a_time, see_through, tells
from .authorize import cancel_unpaid
from .confirm_hold import take_note_of_hold

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose


def expire_unpaid(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """Cancel a PENDING booking whose 30 minutes are over, or that nobody checked out. `nothing` when neither is so.

    A 3-D Secure that succeeded in the last moment counts: the intent is read first.
    """
    with one_at_a_time(booking_id, now) as lease:
        take_note_of_hold(booking_id, actor=actor, lease=lease, now=now)
        with transaction.atomic():
            booking = lock_at_rest(booking_id)
            reason = _reason_to_give_up(booking, now)
            if reason is None:
                return "nothing"
            plan = cancel_unpaid(booking, actor, lease, now, reason=reason)
        return see_through(plan, lease, now)


def _reason_to_give_up(booking: Booking, now: datetime) -> str | None:
    if booking.status != BookingStatus.PENDING or booking.payment.is_prepaid:
        return None  # a package's draft is given up with its package
    tried = booking.payment.auth_first_attempted_at
    if tried is not None and now >= tried + holds.CHECKOUT_LIMIT:
        return "It was not paid within 30 minutes."
    if tried is None and now >= booking.created_at + holds.PENDING_LIMIT:
        return "It was never checked out."
    return None


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal = Moves(plan).refusal
    if refusal is not None and refusal.kind == Kind.CANCEL_INTENT:
        return review(plan, booking, refusal, now)
    return settle(plan, booking, from_plain(plan.terms), now, event="payment_released")


tells(Purpose.EXPIRE, conclude=_conclude)
