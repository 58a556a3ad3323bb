"""Cancel a booking: the slot is free from the decision on, the money follows the policy's row exactly once (policy 5)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.policy.cancellation import CAPTURED, cancellation_terms
from bookings.policy.packages import package_cancellation_terms
from bookings.policy.terms import Credits, Terms
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Invalid
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import apply_credits, as_plain, card_failed, from_plain, review, settle
from ._errors import AlreadySettled, BookingCancelled, ChargebackOpen, NotCancellable, UnderReview
from ._history import close_support, note
from ._movements import hold_again, movements_for
from ._story import Agreed, Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from .capture import capture_failed

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S, B = PaymentStatus, BookingStatus


def cancel_booking(*, booking_id: str, actor: Actor, reason: str, agreed: Agreed = None, now: datetime) -> Booking:
    """Cancel a booking as its student or instructor and settle its money exactly once. Cancelling twice is harmless.

    `reason` is 1–500 characters; `agreed` looks at the locked booking and raises when the terms are not those that were
    quoted. Raises Invalid, NotCancellable, AlreadySettled, UnderReview, OperationInProgress, or
    StripeUnavailable; in the last case the decision stands and is carried on by a job.
    """
    only(actor, Role.STUDENT, Role.INSTRUCTOR)
    return _cancel(booking_id, actor, _checked(reason), now, who=actor.role, agreed=agreed)


def staff_cancel_booking(
    *, booking_id: str, actor: Actor, reason: str, note: str = "", refund: bool, now: datetime
) -> Booking:
    """Cancel for a participant: with `refund` as the instructor would, without as the student's window says (policy 5)."""
    only(actor, Role.STAFF)
    who = Role.INSTRUCTOR if refund else Role.STUDENT
    full_reason = f"{_checked(reason)} ({note})" if note else _checked(reason)
    return _cancel(booking_id, actor, full_reason, now, who=who, refund=refund)


def cancel_for_the_system(*, booking_id: str, actor: Actor, reason: str, now: datetime) -> Booking:
    """A lesson that cannot take place any more through no fault of its instructor's; its money goes as if they cancelled."""
    return _cancel(booking_id, actor, reason, now, who=Role.INSTRUCTOR)


def _checked(reason: str) -> str:
    if not 1 <= len(reason.strip()) <= 500:
        raise Invalid("Give a reason of 1 to 500 characters.", errors={"reason": ["1 to 500 characters."]})
    return reason.strip()


def _cancel(
    booking_id: str,
    actor: Actor,
    reason: str,
    now: datetime,
    *,
    who: Role,
    refund: bool = False,
    agreed: Agreed = None,
) -> Booking:
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        if fresh(booking_id).status == B.CANCELLED:
            return fresh(booking_id)  # the first answer again
        plan = _decide(booking_id, actor, reason, lease, now, who=who, refund=refund, agreed=agreed)
        see_through(plan, lease, now)
    return fresh(booking_id)


def _decide(
    booking_id: str,
    actor: Actor,
    reason: str,
    lease: Lease,
    now: datetime,
    *,
    who: Role,
    refund: bool,
    agreed: Agreed,
) -> MoneyPlan:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        refuse_cancellation(booking, actor)
        if agreed:
            agreed(booking)
        payment = booking.payment
        terms = terms_of_cancelling(booking, who=who, now=now)
        if refund:
            terms = Terms(Outcome.ADMIN_REFUND, terms.steps, terms.credits, terms.pays)
        _cancel_lesson(booking, actor, reason, now)
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.CANCEL,
            actor=actor,
            now=now,
            lease=lease,
            terms=as_plain(terms),
            reason=reason,
            movements=movements_for(terms, payment),
        )


def refuse_cancellation(booking: Booking, actor: Actor) -> None:
    """Raises what keeps a booking from being cancelled by this actor, whatever the window."""
    if booking.status == B.CANCELLED:
        raise BookingCancelled()
    if booking.payment.status == S.SETTLED:
        raise AlreadySettled()
    by_staff = actor.role is Role.STAFF
    if booking.payment.status == S.MANUAL_REVIEW and not by_staff:
        raise UnderReview()
    if booking.payment.review_reason == "chargeback":
        raise ChargebackOpen()
    if booking.payment.review_reason == "capture_escalated":
        raise UnderReview("The payout was advanced: end its review with full_payout or full_refund instead.")
    allowed = (B.PENDING, B.CONFIRMED, B.COMPLETED) if by_staff else (B.PENDING, B.CONFIRMED)
    if booking.status not in allowed:
        raise NotCancellable()


def terms_of_cancelling(booking: Booking, *, who: Role, now: datetime) -> Terms:
    """The policy's row for this booking: one of its own for a paid package's lesson (policy 5, 12)."""
    payment = booking.payment
    if payment.entitlement is not None and payment.has_locked_funds:
        late_before = payment.entitlement.late_used
        return package_cancellation_terms(who=who, starts_at=booking.starts_at, now=now, late_before=late_before)
    return cancellation_terms(who=who, starts_at=booking.starts_at, now=now, state=money_state(payment))


def money_state(payment: Payment) -> str:
    """Where the money is, for the policy's table: the (frozen) status, or `captured` when taken and not locked."""
    if payment.has_locked_funds:
        return S.LOCKED
    if payment.card_charged_cents:
        return CAPTURED
    return payment.frozen_status if payment.status == S.MANUAL_REVIEW else payment.status


def _cancel_lesson(booking: Booking, actor: Actor, reason: str, now: datetime) -> None:
    before = (booking.status, booking.payment.status)
    booking.cancel()
    booking.holds_slot = False
    booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, actor.role, reason[:500]
    booking.save()
    booking.no_show_reports.filter(resolved_at=None).update(resolved_at=now, resolution="cancelled")
    note(booking, "booking_cancelled", actor=actor, now=now, before=before, reason=reason)


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    """A hold that had to be placed first and was declined: no money to take, the intent is cancelled (policy 5)."""
    moves = Moves(plan)
    if _declined_at_first(moves):
        done = any(m.kind == Kind.CANCEL_INTENT for m in moves.all)
        return [] if done or not booking.payment.payment_intent_id else [Movement(Kind.CANCEL_INTENT)]
    return hold_again(plan, booking.payment)


def _declined_at_first(moves: Moves) -> bool:
    """The hold was declined before any capture was tried: as if the payment method had been required all along."""
    authorized = moves.last(Kind.AUTHORIZE, Kind.CREATE_INTENT)
    return authorized is not None and authorized.status == "refused" and moves.last(Kind.CAPTURE) is None


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    moves, terms = Moves(plan), from_plain(plan.terms)
    refusal = moves.refusal
    if refusal is not None and card_failed(plan) and not _declined_at_first(moves):
        return capture_failed(plan, booking, refusal, terms, now)
    if refusal is not None and refusal.kind in (Kind.REVERSE, Kind.REFUND, Kind.TRANSFER, Kind.CANCEL_INTENT):
        if refusal.kind == Kind.TRANSFER:
            apply_credits(booking.payment, terms, now)  # the payout failed: the credit is still theirs (policy 5)
        return review(plan, booking, refusal, now)
    if _declined_at_first(moves):
        terms = Terms(Outcome.CANCEL_NO_CHARGE, (), Credits.RELEASE)
    close_support(booking_id=booking.pk, now=now)
    return settle(plan, booking, terms, now, event="payment_settled")


tells(Purpose.CANCEL, follow_up=_follow_up, conclude=_conclude)
