"""Move a lesson: freely until 24 h before, once with LOCK until 12 h before. The slot is secured before money moves (policy 6)."""

from datetime import datetime

from django.db import IntegrityError, transaction

from bookings.models import Booking
from bookings.policy import holds
from bookings.policy.rescheduling import Move, RescheduleLocked, move_allowed
from bookings.policy.windows import Window, window_of
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Refused
from packages import entitlements
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._conclusions import card_failed, review
from ._errors import (
    AlreadySettled,
    BookingCancelled,
    BookingConflict,
    NotCancellable,
    NotConfirmed,
    UnderReview,
    card_refusal,
)
from ._history import actor_of, note
from ._holds import confirm_times
from ._movements import has_hold, hold_again, new_hold, take_back
from ._story import Agreed, Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from ._times import secure_time

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S, B = PaymentStatus, BookingStatus


class RescheduleDeclined(Refused):
    """The card said no: the old lesson stands untouched (policy 6)."""

    code, title = "reschedule_card_declined", "The card was declined, so the lesson was not moved"
    remedy = "Choose another card for the lesson (`bookings/{id}/payment-method`) and move it again."


def reschedule_booking(
    *, booking_id: str, actor: Actor, starts_at: datetime, agreed: Agreed = None, now: datetime
) -> Booking:
    """Move a lesson to a new start; returns the new booking, linked to the old one, on the same payment.

    `agreed` looks at the locked booking and raises when the terms are not those that were quoted. Raises
    RescheduleLocked, RescheduleWindowClosed, the catalog's refusals, BookingConflict (the new time is taken),
    RescheduleDeclined (nothing changed), UnderReview, OperationInProgress, StripeUnavailable.
    """
    only(actor, Role.STUDENT)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        moved = Booking.objects.filter(rescheduled_from=booking_id, starts_at=starts_at).first()
        if moved is not None:
            return fresh(moved.pk)  # the first answer again
        plan = _decide(booking_id, actor, starts_at, lease, now, agreed)
        result = see_through(plan, lease, now)
    if result == "declined":
        refusal = Moves(plan).refusal
        problem = card_refusal(refusal) if refusal else None
        raise RescheduleDeclined(
            f"{problem.detail if problem else ''} The lesson was not moved.".strip(),
            decline_code=refusal.decline_code if refusal else "",
        )
    if result not in ("moved", "locked"):
        raise UnderReview("The money could not be secured; support is looking at it. Your lesson stays where it was.")
    return fresh(plan.terms["new_booking"])


def _decide(
    booking_id: str, actor: Actor, starts_at: datetime, lease: Lease, now: datetime, agreed: Agreed
) -> MoneyPlan:
    try:
        with transaction.atomic():
            old = lock_at_rest(booking_id)
            payment = old.payment
            refuse_move(old)
            move = how_to_move(old, now)
            if agreed:
                agreed(old)
            secure_time(
                instructor_id=old.instructor_id,
                location_type=old.location_type,
                starts_at=starts_at,
                ends_at=starts_at + (old.ends_at - old.starts_at),
                now=now,
                besides_payment=payment.pk,
            )
            new = _hold_new_slot(old, starts_at, now)
            return open_plan(
                payment=payment,
                booking_id=old.pk,
                purpose=Purpose.RESCHEDULE,
                actor=actor,
                now=now,
                lease=lease,
                terms={"move": move, "new_booking": new.pk},
                movements=_movements(move, payment, starts_at, now),
            )
    except IntegrityError as error:
        raise BookingConflict() from error


def refuse_move(old: Booking) -> None:
    """Raises what keeps a booking from being moved, whatever the window."""
    if old.status == B.CANCELLED:
        raise BookingCancelled()
    if old.payment.status == S.SETTLED:
        raise AlreadySettled()
    if old.payment.status == S.MANUAL_REVIEW:
        raise UnderReview()
    if old.status == B.PENDING:
        raise NotConfirmed()
    if old.status != B.CONFIRMED:
        raise NotCancellable("This lesson can no longer be moved.")


def how_to_move(booking: Booking, now: datetime) -> Move:
    """Freely or late (policy 6). An entitlement that was cancelled late is not moved late too (policy 12).

    Raises RescheduleLocked or RescheduleWindowClosed.
    """
    payment = booking.payment
    move = move_allowed(starts_at=booking.starts_at, now=now, late_reschedule_used=payment.late_reschedule_used)
    if move is Move.LOCK and payment.entitlement is not None and payment.entitlement.late_used:
        raise RescheduleLocked("A lesson of this entitlement was cancelled late before; it cannot be moved late too.")
    return move


def _hold_new_slot(old: Booking, starts_at: datetime, now: datetime) -> Booking:
    """The new lesson, PENDING while its money moves: from here on nobody else gets this time."""
    new: Booking = Booking.objects.create(
        student_id=old.student_id,
        instructor_id=old.instructor_id,
        service_id=old.service_id,
        payment_id=old.payment_id,
        starts_at=starts_at,
        ends_at=starts_at + (old.ends_at - old.starts_at),
        timezone=old.timezone,
        duration_minutes=old.duration_minutes,
        location_type=old.location_type,
        address=old.address,
        note=old.note,
        created_at=now,
    )
    return new


def _movements(move: Move, payment: Payment, starts_at: datetime, now: datetime) -> list[Movement]:
    held = has_hold(payment)
    if payment.is_captured:  # by an earlier move whose reversal failed
        return take_back(payment)
    if move is Move.LOCK:
        hold = [] if held else new_hold(payment, off_session=True)
        return [
            *hold,
            Movement(Kind.CAPTURE, payment.card_amount_cents),
            Movement(Kind.REVERSE, payment.card_amount_cents, params={"transfer": "auto"}),
        ]
    soon = holds_at_once(starts_at=starts_at, now=now)
    if soon and not held:
        return new_hold(payment, off_session=True)
    return [Movement(Kind.CANCEL_INTENT)] if held and not soon else []


def holds_at_once(*, starts_at: datetime, now: datetime) -> bool:
    """A lesson moved to less than 24 hours from now is held at once (policy 6)."""
    return window_of(starts_at=starts_at, now=now) is not Window.FREE


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    return hold_again(plan, booking.payment)


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal = Moves(plan).refusal
    new = Booking.objects.select_for_update().get(pk=plan.terms["new_booking"])
    if refusal is None:
        return _moved(plan, booking, new, now)
    new.delete()  # it never was a lesson: its slot is free again
    if refusal.kind == Kind.REVERSE:
        return review(plan, booking, refusal, now)  # captured, and the instructor still has it: the old lesson stays
    if card_failed(plan):
        _note_lost_hold(plan, booking)
        booking.payment.save()
        note(booking, "reschedule_declined", actor=actor_of(plan), now=now, plan=plan)
        return "declined"
    return review(plan, booking, refusal, now)


def _note_lost_hold(plan: MoneyPlan, booking: Booking) -> None:
    """A hold that had expired and could not be placed again is gone: the student must act, the old lesson stands."""
    payment = booking.payment
    if payment.status == S.AUTHORIZED:
        payment.require_payment_method()
        payment.auth_cancel_at = holds.give_up_at(booking.starts_at)


def _moved(plan: MoneyPlan, old: Booking, new: Booking, now: datetime) -> str:
    """The old lesson is cancelled, the new one confirmed, the payment follows (policy 6)."""
    payment, before = old.payment, (old.status, old.payment.status)
    locks = plan.terms["move"] == Move.LOCK
    old.cancel()
    old.holds_slot = False
    old.cancelled_at, old.cancelled_by, old.cancellation_reason = now, plan.actor_role, "Rescheduled"
    old.save()
    new.rescheduled_from = old
    new.confirm()
    new.confirmed_at = now
    new.save()
    new.payment = payment
    _move_payment(payment, old, plan, now, locks=locks)
    confirm_times(new)
    payment.auth_failure_count, payment.auth_next_attempt_at, payment.auth_warned_at = 0, None, None
    payment.save()
    kind = "lesson_locked" if locks else "booking_rescheduled"
    amounts = {"locked_cents": payment.locked_amount_cents} if locks else {}
    details = {"from": old.starts_at.isoformat(), "to": new.starts_at.isoformat(), "new_booking": new.pk}
    note(old, "booking_moved_away", actor=actor_of(plan), now=now, before=before, plan=plan, details=details)
    note(new, kind, actor=actor_of(plan), now=now, before=("", before[1]), plan=plan, amounts=amounts, details=details)
    return "locked" if locks else "moved"


def _move_payment(payment: Payment, old: Booking, plan: MoneyPlan, now: datetime, *, locks: bool) -> None:
    authorized = Moves(plan).last(Kind.AUTHORIZE)
    if payment.is_prepaid:  # the platform has the money already, however late it is
        if locks:
            payment.original_starts_at, payment.late_reschedule_used = old.starts_at, True
            entitlements.note_late_move(payment)
    elif locks:
        if payment.status != S.AUTHORIZED:
            payment.authorize()
        payment.lock()
        payment.locked_at, payment.locked_amount_cents = now, payment.card_charged_cents
        payment.original_starts_at, payment.late_reschedule_used = old.starts_at, True
    elif authorized is not None:
        payment.authorize()
    elif (
        payment.status != S.SCHEDULED
        and Moves(plan).last(Kind.CANCEL_INTENT) is not None
        or payment.status == S.PAYMENT_METHOD_REQUIRED
    ):
        payment.schedule()


tells(Purpose.RESCHEDULE, follow_up=_follow_up, conclude=_conclude)
