"""Take note of what became of a hold at Stripe: 3-D Secure finished in the browser, by webhook or on the next visit."""

from datetime import datetime

from django.db import IntegrityError, transaction

from bookings.models import Booking
from bookings.state_machine import BookingStatus
from common.actors import Actor
from common.mutex import Lease
from payments import gateway
from payments.models import MoneyMovement, MoneyPlan
from payments.movements import note_hold
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._errors import BookingConflict
from ._history import actor_of, note
from ._holds import PENDING_ACTION, hold_placed, schedule_retry
from ._story import fresh, lock_at_rest, one_at_a_time, see_through, tells
from ._times import take_again

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus
WAITING = (S.PAYMENT_METHOD_REQUIRED, S.SCHEDULED)
FAILED = "authentication_failed"


def confirm_hold(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """Read the payment intent back and apply what it says. Harmless when there is nothing new; returns the intent's status.

    Raises OperationInProgress or StripeUnavailable.
    """
    with one_at_a_time(booking_id, now) as lease:
        return take_note_of_hold(booking_id, actor=actor, lease=lease, now=now)


def take_note_of_hold(booking_id: str, *, actor: Actor, lease: Lease, now: datetime) -> str:
    """`confirm_hold` for somebody who already holds the mutex."""
    booking = fresh(booking_id)
    payment = booking.payment
    if not payment.payment_intent_id or payment.is_captured:
        return "nothing"
    try:
        intent = gateway.intent(payment.payment_intent_id)
    except gateway.OutcomeUnknown as unknown:
        from common.problems import StripeUnavailable

        raise StripeUnavailable() from unknown
    plan = _decide(booking_id, intent, actor=actor, lease=lease, now=now)
    if plan is not None:
        see_through(plan, lease, now)
    return str(intent["status"])


def _decide(booking_id: str, intent: gateway.Fields, *, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    """One short transaction: what the intent's state means for this booking, if anything."""
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.payment_intent_id != intent["id"]:
            return None
        if payment.capture_failed_at is not None:
            return None  # a failed capture goes on by its own timetable and terms, whatever its old hold says
        if intent["status"] == "canceled" and payment.status in (S.AUTHORIZED, S.MANUAL_REVIEW):
            note_hold(payment, intent)  # it expired: the capture will place it again
            payment.save()
            note(booking, "hold_expired", actor=actor, now=now)
            return None
        terms = {"intent_status": intent["status"], "error": (intent.get("last_payment_error") or {}).get("code", "")}
        movements: list[Movement] = []
        if intent["status"] == "requires_capture" and payment.status in WAITING:
            note_hold(payment, intent)
            payment.save()
            if not _keeps_slot(booking, now):
                terms["slot_lost"] = True
                movements = [Movement(Kind.CANCEL_INTENT)]
        elif intent["status"] == "requires_capture" and payment.status == PaymentStatus.SETTLED:
            movements = [Movement(Kind.CANCEL_INTENT)]  # a hold nobody needs any more is let go
        elif not (intent["status"] == "requires_payment_method" and _was_pending(payment.pk, booking)):
            return None
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.CONFIRM_HOLD,
            actor=actor,
            now=now,
            lease=lease,
            terms=terms,
            movements=movements,
        )


def _was_pending(payment_id: str, booking: Booking) -> bool:
    """The last attempt waited for 3-D Secure and its failure has not been noted yet."""
    last = MoneyMovement.objects.filter(payment_id=payment_id, kind=Kind.AUTHORIZE).order_by("-id").first()
    return (
        booking.payment.status == PaymentStatus.PAYMENT_METHOD_REQUIRED
        and last is not None
        and last.result.get("status") == PENDING_ACTION
        and booking.payment.auth_last_error == "authentication_required"
    )


def _keeps_slot(booking: Booking, now: datetime) -> bool:
    if booking.status == BookingStatus.CANCELLED:
        return False
    if booking.holds_slot:
        return True
    try:
        with transaction.atomic():
            take_again(booking, now=now)
    except (BookingConflict, IntegrityError):
        booking.holds_slot = False
        return False
    return True


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    payment, status = booking.payment, plan.terms["intent_status"]
    if status == "requires_capture" and not plan.terms.get("slot_lost"):
        if payment.status in WAITING:
            return hold_placed(plan, booking, now)
        return "released"
    before = (booking.status, payment.status)
    payment.auth_failure_count += 1
    payment.auth_last_error = (plan.terms["error"] or FAILED)[:120] if status != "requires_capture" else "slot_lost"
    if booking.status == BookingStatus.PENDING:
        booking.holds_slot = False
        booking.save()
    elif booking.status == BookingStatus.CONFIRMED:
        schedule_retry(plan, booking)
    payment.save()
    note(booking, "hold_failed", actor=actor_of(plan), now=now, before=before, plan=plan,
         details={"error": payment.auth_last_error})  # fmt: skip
    return FAILED


tells(Purpose.CONFIRM_HOLD, conclude=_conclude)
