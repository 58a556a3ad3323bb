"""Place a scheduled hold, try a declined one again, give it up at T−12 h; the student's own way to fix it (policy 4.3)."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.policy import holds
from bookings.policy.terms import UNPAID
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from payments import cards
from payments.models import MoneyMovement, MoneyPlan, PaymentMethod
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._conclusions import as_plain
from ._errors import BookingCancelled, NothingToPay, UnderReview
from ._history import note
from ._holds import PENDING_ACTION, conclude_hold
from ._movements import hold_again, movements_for, new_hold
from ._story import find_booking, fresh, lock_at_rest, lock_booking, one_at_a_time, only, see_through, tells
from .capture import retry_capture
from .check_out import CheckedOut, answer
from .confirm_hold import take_note_of_hold

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus


def place_hold(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """The T−24 h job's work on one booking: confirm off-session. Returns what became of it, `nothing` when nothing was due.

    Raises OperationInProgress or StripeUnavailable.
    """
    with one_at_a_time(booking_id, now) as lease:
        plan = _decide(booking_id, actor, lease, now, off_session=True, due=_hold_is_due)
        return see_through(plan, lease, now) if plan else "nothing"


def _hold_is_due(booking: Booking, now: datetime) -> bool:
    payment = booking.payment
    return (
        booking.status == BookingStatus.CONFIRMED
        and payment.status == S.SCHEDULED
        and payment.auth_scheduled_for is not None
        and payment.auth_scheduled_for <= now
    )


def retry_hold(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """The retry job's work on one booking: give up at T−12 h, else try again when due, with the final warning at T−13 h."""
    with one_at_a_time(booking_id, now) as lease:
        take_note_of_hold(booking_id, actor=actor, lease=lease, now=now)
        plan = _give_up(booking_id, actor, lease, now)
        if plan is None:
            plan = _decide(booking_id, actor, lease, now, off_session=True, due=_retry_is_due)
        result = see_through(plan, lease, now) if plan else "nothing"
        return result if _warn(booking_id, actor, now) is None else f"{result}, warned"


def _retry_is_due(booking: Booking, now: datetime) -> bool:
    due = booking.payment.auth_next_attempt_at
    return waits_for_card(booking) and due is not None and due <= now


def waits_for_card(booking: Booking) -> bool:
    """A confirmed lesson whose hold failed: not one whose capture failed."""
    payment = booking.payment
    return (
        booking.status == BookingStatus.CONFIRMED
        and payment.status == S.PAYMENT_METHOD_REQUIRED
        and payment.capture_failed_at is None
        and not payment.is_captured
    )


def _give_up(booking_id: str, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    """At T−12 h exactly: cancelled, no charge, credits released (policy 4.3)."""
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        if not waits_for_card(booking) or now < holds.give_up_at(booking.starts_at):
            return None
        return cancel_unpaid(
            booking, actor, lease, now, reason="The card could not be charged 12 hours before the lesson."
        )


def cancel_unpaid(booking: Booking, actor: Actor, lease: Lease, now: datetime, *, reason: str) -> MoneyPlan:
    """Decide that an unpaid booking is over: the slot is free from here on, the intent goes, credits go back."""
    before = (booking.status, booking.payment.status)
    booking.cancel()
    booking.holds_slot = False
    booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, Role.SYSTEM, reason
    booking.save()
    note(booking, "booking_expired", actor=actor, now=now, before=before, reason=reason)
    return open_plan(
        payment=booking.payment,
        booking_id=booking.pk,
        purpose=Purpose.EXPIRE,
        actor=actor,
        now=now,
        lease=lease,
        terms=as_plain(UNPAID),
        reason=reason,
        movements=movements_for(UNPAID, booking.payment),
    )


def _warn(booking_id: str, actor: Actor, now: datetime) -> datetime | None:
    """The final warning, once, from T−13 h on."""
    with transaction.atomic():
        booking = lock_booking(booking_id)
        payment = booking.payment
        if not waits_for_card(booking) or payment.auth_warned_at or now < holds.warn_at(booking.starts_at):
            return None
        payment.auth_warned_at = now
        payment.save()
        note(
            booking,
            "hold_final_warning",
            actor=actor,
            now=now,
            details={"cancels_at": holds.give_up_at(booking.starts_at).isoformat()},
        )
        return now


def retry_payment(*, booking_id: str, actor: Actor, now: datetime, payment_method_id: str | None = None) -> CheckedOut:
    """The student pays now: a declined hold, or a lesson whose capture failed (policy 4.3). 3-D Secure may be asked.

    Raises NothingToPay, BookingCancelled, UnderReview, CardRefused, StripeUnavailable.
    """
    only(actor, Role.STUDENT)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        return _pay(booking_id, actor, lease, now, payment_method_id)


def _pay(booking_id: str, actor: Actor, lease: Lease, now: datetime, payment_method_id: str | None) -> CheckedOut:
    status = take_note_of_hold(booking_id, actor=actor, lease=lease, now=now)
    booking = fresh(booking_id)
    payment = booking.payment
    if payment_method_id is None and status == PENDING_ACTION:
        return _asked_before(booking)
    if booking.payment.status == S.AUTHORIZED:
        return CheckedOut(booking)
    card = cards.card_to_charge(
        user=booking.student, payment_method_id=payment_method_id or payment.payment_method_id or None
    )
    if payment.capture_failed_at or payment.capture_escalated_at:
        return retry_capture(booking_id, actor=actor, lease=lease, now=now, payment_method=card.stripe_id)
    plan = _decide(booking_id, actor, lease, now, off_session=False, due=_can_pay, payment_method=card.stripe_id)
    if plan is None:
        raise _why_not(fresh(booking_id))
    return answer(booking_id, plan, see_through(plan, lease, now))


def _asked_before(booking: Booking) -> CheckedOut:
    last = booking.payment.movements.filter(kind=Kind.AUTHORIZE, status="done").order_by("-id").first()
    return CheckedOut(booking, True, last.result.get("client_secret") if last else None)


def _can_pay(booking: Booking, now: datetime) -> bool:
    return waits_for_card(booking) and now < holds.give_up_at(booking.starts_at)


def _why_not(booking: Booking) -> NothingToPay | BookingCancelled | UnderReview:
    if booking.status == BookingStatus.CANCELLED:
        return BookingCancelled()
    return UnderReview() if booking.payment.status == S.MANUAL_REVIEW else NothingToPay()


def change_payment_method(
    *, booking_id: str, actor: Actor, payment_method_id: str, set_as_default: bool = False, now: datetime
) -> CheckedOut:
    """Charge this booking to another card. When its hold or capture failed, the new card is tried at once.

    Raises NothingToPay once the card is held or charged, BookingCancelled, UnderReview, CardRefused, StripeUnavailable.
    """
    only(actor, Role.STUDENT)
    booking = find_booking(booking_id, actor)
    card = cards.card_to_charge(user=booking.student, payment_method_id=payment_method_id)
    if set_as_default:
        card = cards.make_default(user=booking.student, method_id=card.pk)
    with one_at_a_time(booking_id, now) as lease:
        if _is_to_be_tried(booking_id, card, actor, now):
            return _pay(booking_id, actor, lease, now, card.stripe_id)
    return CheckedOut(fresh(booking_id))


def _is_to_be_tried(booking_id: str, card: PaymentMethod, actor: Actor, now: datetime) -> bool:
    """Whether something is unpaid now, for the new card to pay at once; otherwise it is kept for when something is due."""
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if waits_for_card(booking) or payment.capture_failed_at or payment.capture_escalated_at:
            return True
        if payment.status not in (S.SCHEDULED, S.PAYMENT_METHOD_REQUIRED) or payment.is_captured:
            raise _why_not(booking)
        payment.payment_method_id = card.stripe_id
        payment.save()
        note(booking, "card_changed", actor=actor, now=now, details={"last4": card.last4})
        return False


def _decide(
    booking_id: str,
    actor: Actor,
    lease: Lease,
    now: datetime,
    *,
    off_session: bool,
    due: Callable[[Booking, datetime], bool],
    payment_method: str = "",
) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if not due(booking, now):
            return None
        if payment_method:
            payment.payment_method_id = payment_method
            payment.save()
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.AUTHORIZE,
            actor=actor,
            now=now,
            lease=lease,
            movements=new_hold(payment, off_session=off_session),
        )


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    """Cancelled meanwhile: a hold that was still placed is let go."""
    placed = booking.status == BookingStatus.CANCELLED and booking.payment.capture_before is not None
    if booking.status != BookingStatus.CANCELLED:
        return hold_again(plan, booking.payment)
    already = plan.movements.filter(kind=Kind.CANCEL_INTENT).exists()
    return [Movement(Kind.CANCEL_INTENT)] if placed and not already else []


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    if booking.status == BookingStatus.CANCELLED:
        return "cancelled"
    return conclude_hold(plan, booking, now)


tells(Purpose.AUTHORIZE, follow_up=_follow_up, conclude=_conclude)
