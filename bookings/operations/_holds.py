"""How a try to place a hold ends, whoever made it: student, job or retry (policy 4.2, 4.3)."""

from datetime import datetime

from bookings.models import Booking
from bookings.policy import holds
from bookings.state_machine import BookingStatus
from common.actors import Door
from payments.models import MoneyMovement, MoneyPlan
from payments.vocabulary import PaymentStatus

from ._history import actor_of, note
from ._story import DONE, Moves

Kind = MoneyMovement.Kind
HELD, PENDING_ACTION, DECLINED = "authorized", "requires_action", "declined"


def conclude_hold(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    """Apply the result of a hold to payment and booking; returns HELD, PENDING_ACTION or DECLINED."""
    movement = Moves(plan).last(Kind.AUTHORIZE, Kind.CREATE_INTENT)
    payment = booking.payment
    payment.auth_attempted_at = plan.decided_at
    payment.auth_first_attempted_at = payment.auth_first_attempted_at or plan.decided_at
    if movement is None or movement.status != DONE:
        return _declined(plan, booking, movement, now)
    if movement.result.get("status") == "requires_action":
        payment.auth_last_error = "authentication_required"
        payment.save()
        note(booking, "authentication_requested", actor=actor_of(plan), now=now, plan=plan)
        return PENDING_ACTION
    return hold_placed(plan, booking, now)


def hold_placed(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    """The hold is on the card: the payment is authorized and the booking stands."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    payment.authorize()
    payment.auth_last_error, payment.auth_next_attempt_at = "", None
    confirm_times(booking)
    payment.save()
    if booking.status == BookingStatus.PENDING:
        booking.confirm()
        booking.confirmed_at = now
        booking.save()
    note(
        booking,
        "hold_placed",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        amounts={"held_cents": payment.card_amount_cents},
    )
    return HELD


def confirm_times(booking: Booking) -> None:
    """The instants that follow from when the lesson is; kept on the payment for the jobs' selections."""
    payment = booking.payment
    if not payment.is_prepaid:
        payment.auth_scheduled_for = holds.hold_due_at(booking.starts_at)
        payment.auth_cancel_at = holds.give_up_at(booking.starts_at)
    payment.capture_due_at = holds.capture_due_at(booking.ends_at)


def _declined(plan: MoneyPlan, booking: Booking, movement: MoneyMovement | None, now: datetime) -> str:
    payment, before = booking.payment, (booking.status, booking.payment.status)
    payment.auth_failure_count += 1
    payment.auth_last_error = ((movement.decline_code or movement.error_code) if movement else "no_intent")[:120]
    if payment.status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
        payment.require_payment_method()
    if booking.status == BookingStatus.PENDING:
        booking.holds_slot = False  # a declined checkout gives its slot up (policy 4.2)
        booking.save()
    else:
        schedule_retry(plan, booking)
    payment.save()
    first = payment.auth_failure_count == 1 and plan.door == Door.JOB
    note(
        booking,
        "hold_failed" if first or plan.door != Door.JOB else "hold_failed_again",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        details={
            "failure": payment.auth_failure_count,
            "error": payment.auth_last_error,
            "cancels_at": payment.auth_cancel_at.isoformat() if payment.auth_cancel_at else "",
        },
    )
    return DECLINED


def schedule_retry(plan: MoneyPlan, booking: Booking) -> None:
    """When the retry job tries again; a student's own tries do not use up the timetable (policy 4.3)."""
    payment = booking.payment
    if plan.door != Door.JOB and payment.auth_next_attempt_at is not None:
        return
    attempts = plan.payment.plans.filter(purpose=MoneyPlan.Purpose.AUTHORIZE, door=Door.JOB).count()
    payment.auth_next_attempt_at = holds.next_attempt_at(
        starts_at=booking.starts_at, failures=max(attempts, 1), last_attempt=plan.decided_at
    )
    payment.auth_cancel_at = holds.give_up_at(booking.starts_at)
