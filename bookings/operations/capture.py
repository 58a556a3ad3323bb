"""Capture 24 hours after the lesson's end and pay the instructor; retry and escalate what fails (policy 4.5)."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import AccountHold
from bookings.models import Booking, SupportItem
from bookings.policy import cancellation, holds, no_show
from bookings.policy.terms import COMPLETED, Share, Step, Terms
from bookings.queries import frozen_amounts
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement, open_plan, paid_to_instructor
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import (
    apply_credits,
    as_plain,
    card_failed,
    freeze,
    from_plain,
    hold_account,
    recorded_amounts,
    release_account,
    review,
    settle,
)
from ._errors import AlreadySettled, LessonNotEnded, NotConfirmed, UnderReview
from ._history import actor_of, ask_support, close_support, note
from ._milestones import give_milestone
from ._movements import hold_again, movements_for, new_hold
from ._story import Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from .check_out import CheckedOut, answer
from .complete import mark_complete

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus
OWED = {
    terms.outcome: terms for terms in (COMPLETED, cancellation.LATE, cancellation.LAST_MINUTE, no_show.STUDENT_PAYS)
}


def capture_lesson(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """The capture job's work on one lesson: complete it if nobody did, capture, top up, settle. `nothing` when not due.

    A locked payment is resolved by paying P from the money the platform holds (policy 6).
    """
    with one_at_a_time(booking_id, now) as lease:
        plan = _decide(booking_id, actor, lease, now)
        return see_through(plan, lease, now) if plan else "nothing"


def capture_now(*, booking_id: str, actor: Actor, now: datetime, reason: str = "") -> Booking:
    """Staff capture a lesson that has ended without waiting for the job; also tries a failed capture again.

    Raises LessonNotEnded, NotConfirmed, AlreadySettled, UnderReview, StripeUnavailable.
    """
    only(actor, Role.STAFF)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        booking = fresh(booking_id)
        if booking.payment.status == S.PAYMENT_METHOD_REQUIRED and booking.payment.capture_failed_at:
            plan: MoneyPlan | None = _decide_retry(booking_id, actor, lease, now, every=timedelta(), reason=reason)
        else:
            plan = _decide(booking_id, actor, lease, now, early=True, reason=reason)
        if plan is None:
            raise _why_not(fresh(booking_id), now)
        see_through(plan, lease, now)
    return fresh(booking_id)


def _why_not(booking: Booking, now: datetime) -> Exception:
    if booking.payment.status == S.SETTLED:
        return AlreadySettled()
    if booking.payment.status == S.MANUAL_REVIEW:
        return UnderReview()
    return NotConfirmed() if booking.has_ended(now) else LessonNotEnded(ends_at=booking.ends_at.isoformat())


def _decide(
    booking_id: str, actor: Actor, lease: Lease, now: datetime, *, early: bool = False, reason: str = ""
) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        due = booking.ends_at if early else payment.capture_due_at
        if payment.status not in (S.AUTHORIZED, S.LOCKED) or due is None or now < due:
            return None
        if booking.status == BookingStatus.CONFIRMED:
            mark_complete(booking, actor=actor, now=now, completed_at=booking.ends_at)
        if booking.status != BookingStatus.COMPLETED:
            return None
        terms = Terms(COMPLETED.outcome, (Step.AUTHORIZE, *COMPLETED.steps), COMPLETED.credits, COMPLETED.pays)
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.CAPTURE,
            actor=actor,
            now=now,
            lease=lease,
            terms=as_plain(terms),
            reason=reason,
            movements=movements_for(terms, payment),
        )


# --- Retry and escalate ----------------------------------------------------------------------------------------------
def retry_failed_capture(
    *, booking_id: str, actor: Actor, now: datetime, every: timedelta = holds.CAPTURE_RETRY_EVERY
) -> str:
    """Capture again what failed at least `every` ago, on the terms decided then; after 72 h escalate instead."""
    with one_at_a_time(booking_id, now) as lease:
        plan = _escalate(booking_id, actor, lease, now) or _decide_retry(booking_id, actor, lease, now, every=every)
        return see_through(plan, lease, now) if plan else "nothing"


def _decide_retry(
    booking_id: str, actor: Actor, lease: Lease, now: datetime, *, every: timedelta, reason: str = ""
) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        last = payment.capture_last_attempt_at
        if payment.status != S.PAYMENT_METHOD_REQUIRED or not payment.capture_failed_at:
            return None
        if last is not None and now < last + every:
            return None
        terms = owed_terms(payment.owed_outcome)
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.CAPTURE,
            actor=actor,
            now=now,
            lease=lease,
            terms=as_plain(terms),
            reason=reason,
            movements=movements_for(terms, payment),
        )


def owed_terms(outcome: str) -> Terms:
    """The terms that a failed capture still owes, authorizing again where the hold is gone."""
    terms = OWED[Outcome(outcome)]
    steps = terms.steps if Step.AUTHORIZE in terms.steps else (Step.AUTHORIZE, *terms.steps)
    return Terms(terms.outcome, steps, terms.credits, terms.pays)


def _escalate(booking_id: str, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    """72 h after the first failure the platform advances what the outcome owes the instructor (policy 4.5)."""
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status != S.PAYMENT_METHOD_REQUIRED or not payment.capture_failed_at:
            return None
        if now < holds.escalates_at(payment.capture_failed_at):
            return None
        owed = OWED[Outcome(payment.owed_outcome)].payout_cents(frozen_amounts(payment))
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.ESCALATE,
            actor=actor,
            now=now,
            lease=lease,
            terms={"outcome": payment.owed_outcome, "advance_cents": owed},
            movements=[Movement(Kind.TRANSFER, owed, "advance")] if owed else [],
        )


def _conclude_escalation(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    payment = booking.payment
    refusal = Moves(plan).refusal
    payment.capture_escalated_at = now
    payment.instructor_payout_cents = paid_to_instructor(payment)
    freeze(booking, reason="capture_escalated", actor=actor_of(plan), now=now, plan=plan)
    note(booking, "capture_escalated", actor=actor_of(plan), now=now, plan=plan, amounts=recorded_amounts(payment))
    detail = f"Not charged for 72 hours: {payment.auth_last_error}. {refusal.error_message if refusal else ''}"
    hold_account(
        booking,
        AccountHold.Kind.LOCKED,
        amount_cents=payment.card_amount_cents,
        now=now,
        reason="A lesson could not be charged for 72 hours.",
        detail=detail,
    )
    for kind in (SupportItem.Kind.CAPTURE_ESCALATED, *([SupportItem.Kind.PAYOUT_FAILED] if refusal else [])):
        ask_support(
            kind=kind,
            cause=payment.pk,
            booking_id=booking.pk,
            money_at_risk_cents=payment.card_amount_cents,
            now=now,
            detail=detail,
        )
    return "escalated"


# --- The student pays a failed capture -------------------------------------------------------------------------------
def retry_capture(booking_id: str, *, actor: Actor, lease: Lease, now: datetime, payment_method: str) -> CheckedOut:
    """The student pays a lesson whose capture failed. After an escalation the money goes to the platform, which has
    already paid the instructor. Raises CardRefused, StripeUnavailable, UnderReview."""
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        escalated = payment.status == S.MANUAL_REVIEW and payment.review_reason == "capture_escalated"
        if not escalated and payment.status != S.PAYMENT_METHOD_REQUIRED:
            raise AlreadySettled() if payment.status == S.SETTLED else UnderReview()
        payment.payment_method_id = payment_method
        payment.save()
        plan = open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.REPAY,
            actor=actor,
            now=now,
            lease=lease,
            terms={"escalated": escalated, **as_plain(owed_terms(payment.owed_outcome))},
            movements=new_hold(payment, off_session=False),
        )
    return answer(booking_id, plan, see_through(plan, lease, now))


def finish_repayment(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """3-D Secure of a repayment went through in the browser: capture now. `nothing` when no repayment waits for it."""
    with one_at_a_time(booking_id, now) as lease:
        payment = fresh(booking_id).payment
        last = payment.movements.filter(kind=Kind.AUTHORIZE).select_related("plan").order_by("-id").first()
        if last is None or last.plan.purpose != Purpose.REPAY or last.result.get("status") != "requires_action":
            return "nothing"
        if payment.status == S.SETTLED or last.params["intent"] != payment.payment_intent_id:
            return "nothing"
        retry_capture(
            booking_id, actor=actor, lease=lease, now=now, payment_method=last.params["params"]["payment_method"]
        )
        return "repaid"


def _repay_follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    """The hold is placed: capture, and go on as decided; what was advanced already is not paid again."""
    moves = Moves(plan)
    again = hold_again(plan, booking.payment)
    if again:
        return again
    authorized = moves.last(Kind.AUTHORIZE)
    if moves.refusal or authorized is None or authorized.result.get("status") != "requires_capture":
        return []
    if any(m.kind == Kind.CAPTURE for m in moves.all):
        return []
    payment = booking.payment
    if plan.terms["escalated"]:
        return [
            Movement(Kind.CAPTURE, payment.card_amount_cents),
            Movement(Kind.REVERSE, payment.card_amount_cents, params={"transfer": "auto"}),
        ]
    return movements_for(from_plain(plan.terms), payment)


def _conclude_repayment(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    moves = Moves(plan)
    refusal, authorized = moves.refusal, moves.last(Kind.AUTHORIZE)
    if refusal is None and authorized is not None and authorized.result.get("status") == "requires_action":
        booking.payment.auth_last_error = "authentication_required"
        booking.payment.save()
        return "requires_action"
    if refusal is not None and card_failed(plan):
        booking.payment.auth_last_error = (refusal.decline_code or refusal.error_code)[:120]
        booking.payment.save()
        note(booking, "capture_failed_again", actor=actor_of(plan), now=now, plan=plan)
        return "declined"
    release_account(AccountHold.Kind.LOCKED, payment_id=booking.payment_id, now=now, by=str(actor_of(plan)))
    return conclude_capture(plan, booking, now)


# --- How a capture ends ----------------------------------------------------------------------------------------------
def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    return hold_again(plan, booking.payment)


def conclude_capture(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    """Settle what was decided; a card that said no is retried, a refused reversal, refund or payout is reviewed."""
    refusal, terms = Moves(plan).refusal, from_plain(plan.terms)
    if refusal is not None and card_failed(plan):
        return capture_failed(plan, booking, refusal, terms, now)
    if refusal is not None:
        if refusal.kind == Kind.TRANSFER:
            apply_credits(booking.payment, terms, now)
        return review(plan, booking, refusal, now)
    if plan.terms.get("escalated") and terms.outcome == Outcome.LESSON_COMPLETED:
        terms = Terms(Outcome.CAPTURE_FAILURE_PAID, terms.steps, terms.credits, Share.ALL)
    close_support(booking_id=booking.pk, now=now)
    outcome = settle(plan, booking, terms, now, event="payment_settled")
    if outcome == Outcome.LESSON_COMPLETED:
        give_milestone(booking, now)
    return outcome


def capture_failed(plan: MoneyPlan, booking: Booking, refusal: MoneyMovement, terms: Terms, now: datetime) -> str:
    """The card refused a capture: the student must act; retried every 4 h; the first failure starts the 72 hours."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    first = payment.capture_failed_at is None
    if first:
        payment.capture_failed_at = plan.decided_at
    else:
        payment.capture_retry_count += 1
    payment.capture_last_attempt_at = plan.decided_at
    payment.auth_last_error = (refusal.decline_code or refusal.error_code)[:120]
    payment.owed_outcome = terms.outcome
    if payment.status == S.MANUAL_REVIEW:
        payment.thaw()
    if payment.status != S.PAYMENT_METHOD_REQUIRED:
        payment.require_payment_method()
    payment.save()
    note(
        booking,
        "capture_failed" if first else "capture_failed_again",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        details={"error": payment.auth_last_error, "retries": payment.capture_retry_count},
    )
    return "capture_failed"


tells(Purpose.CAPTURE, follow_up=_follow_up, conclude=conclude_capture)
tells(Purpose.ESCALATE, conclude=_conclude_escalation)
tells(Purpose.REPAY, follow_up=_repay_follow_up, conclude=_conclude_repayment)
