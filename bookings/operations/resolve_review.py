"""Reviews: an instructor disputes a completion; support ends a review with a payout, a refund, a split, or lets it go on."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import AccountHold
from bookings.models import Booking, CompletionDispute, SupportItem
from bookings.policy.review import Resolution, review_terms
from bookings.policy.terms import Credits, Share, Step, Terms
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Invalid, Refused
from credits.freezing import revoke_unspent
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import as_plain, book_credits, freeze, from_plain, release_account, review
from ._errors import AlreadySettled, ChargebackOpen, LessonNotEnded, NotConfirmed, UnderReview
from ._history import actor_of, ask_support, close_support, note
from ._movements import hold_again, movements_for, take_back
from ._story import Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from .capture import conclude_capture
from .complete import mark_complete
from .refund import what_is_left_of
from .report_no_show import checked_reason

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus
COMPLETION_DISPUTED = "completion_disputed"
FAILED_MOVEMENTS = ("reversal_failed", "refund_failed", "payout_failed", "stripe_refused")
WRITE_OFF = Terms(Outcome.CAPTURE_FAILURE_PAID, (Step.CANCEL_INTENT,), Credits.CONSUME, Share.ALL)


class NotInReview(Refused):
    code, title = "not_in_review", "This booking is not under review"
    remedy = "Read the booking: it goes on by itself."


class DecidedElsewhere(Refused):
    code, title = "decided_elsewhere", "This review is not ended this way"
    remedy = "Take one of the ways that `detail` names."


def dispute_completion(*, booking_id: str, actor: Actor, reason: str, now: datetime) -> Booking:
    """The instructor disputes a lesson after its end: the payment waits for support (policy 7). Once per booking.

    Raises Invalid, LessonNotEnded, NotConfirmed, AlreadySettled, UnderReview.
    """
    only(actor, Role.INSTRUCTOR)
    reason = checked_reason(reason, 1, 2000)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now), transaction.atomic():
        booking = lock_at_rest(booking_id)
        refuse_completion_dispute(booking, now)
        CompletionDispute.objects.update_or_create(
            booking=booking, defaults={"opened_at": now, "reason": reason, "resolved_at": None, "resolution": ""}
        )
        freeze(booking, reason=COMPLETION_DISPUTED, actor=actor, now=now)
        note(booking, "completion_disputed", actor=actor, now=now, reason=reason)
        ask_support(
            kind=SupportItem.Kind.COMPLETION_DISPUTED,
            cause=booking.pk,
            booking_id=booking.pk,
            money_at_risk_cents=booking.payment.card_amount_cents,
            now=now,
            detail=reason,
        )
    return fresh(booking_id)


def refuse_completion_dispute(booking: Booking, now: datetime) -> None:
    """Raises what keeps an instructor from disputing a lesson now."""
    if booking.payment.status == S.SETTLED:
        raise AlreadySettled()
    if booking.payment.status == S.MANUAL_REVIEW:
        raise UnderReview()
    if booking.status not in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        raise NotConfirmed()
    if not booking.has_ended(now):
        raise LessonNotEnded(ends_at=booking.ends_at.isoformat())


def resolve_review(*, booking_id: str, actor: Actor, resolution: str, reason: str, now: datetime) -> Booking:
    """End a review with `full_payout`, `full_refund`, `split_50_50`, or `resume`: back to what was frozen, or, after a
    movement that Stripe refused, the same decision once more.

    Raises Invalid, NotInReview, DecidedElsewhere (chargebacks, no-shows), StripeUnavailable.
    """
    only(actor, Role.STAFF)
    if resolution not in list(Resolution):
        raise Invalid("Unknown resolution.", errors={"resolution": [f"One of {', '.join(Resolution)}."]})
    reason = checked_reason(reason, 1, 2000)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        plan = _decide(booking_id, actor, Resolution(resolution), reason, lease, now)
        if plan is not None:
            see_through(plan, lease, now)
    return fresh(booking_id)


def _decide(
    booking_id: str, actor: Actor, resolution: Resolution, reason: str, lease: Lease, now: datetime
) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status != S.MANUAL_REVIEW:
            raise NotInReview()
        if payment.review_reason == "chargeback":
            raise ChargebackOpen()
        if payment.review_reason == "no_show":
            raise DecidedElsewhere("Resolve the no-show report instead.")
        CompletionDispute.objects.filter(booking=booking, resolved_at=None).update(
            resolved_at=now, resolution=resolution
        )
        before = (booking.status, payment.status)
        ends_now = resolution is Resolution.RESUME and not _has_more_to_do(payment)
        if ends_now:
            _resume(booking, now)
        details = {"resolution": resolution}
        note(booking, "review_resolved", actor=actor, now=now, before=before, reason=reason, details=details)
        if ends_now:
            return None
        if resolution is Resolution.RESUME and _last_plan(payment).purpose == Purpose.REFUND:
            return _refund_again(booking, actor, reason, lease, now)
        terms, movements = _terms(booking, resolution, now)
        if booking.status == BookingStatus.CONFIRMED:
            _end_lesson(booking, terms, actor, now)
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.RESOLVE_REVIEW,
            actor=actor,
            now=now,
            lease=lease,
            terms=as_plain(terms),
            reason=reason,
            movements=movements,
        )


def _end_lesson(booking: Booking, terms: Terms, actor: Actor, now: datetime) -> None:
    """A lesson that is paid, wholly or in part, took place; one that is refunded did not."""
    if not terms.refunds:
        mark_complete(booking, actor=actor, now=now, completed_at=min(booking.ends_at, now))
        return
    before = (booking.status, booking.payment.status)
    booking.cancel()
    booking.holds_slot = False
    booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, actor.role, "Refunded after a review"
    booking.save()
    note(booking, "booking_cancelled", actor=actor, now=now, before=before, reason=booking.cancellation_reason)


def _resume(booking: Booking, now: datetime) -> None:
    if booking.payment.review_reason == "capture_escalated":
        raise DecidedElsewhere("The payout was advanced: write it off (full_payout) or take it back (full_refund).")
    booking.payment.thaw()
    booking.payment.review_reason = ""
    booking.payment.save()
    close_support(booking_id=booking.pk, now=now)


def _terms(booking: Booking, resolution: Resolution, now: datetime) -> tuple[Terms, list[Movement]]:
    payment = booking.payment
    if payment.review_reason == "capture_escalated":
        if resolution is Resolution.FULL_PAYOUT:
            return WRITE_OFF, movements_for(WRITE_OFF, payment)
        if resolution is Resolution.FULL_REFUND:
            terms = review_terms(resolution=resolution, locked=False)
            return terms, [*take_back(payment), *movements_for(terms, payment)]
        raise DecidedElsewhere("The card was never charged: write it off (full_payout) or take the advance back.")
    if resolution is Resolution.RESUME:
        terms = _owed_again(payment)
    else:
        terms = review_terms(resolution=resolution, locked=payment.has_locked_funds)
    return terms, movements_for(terms, payment)


def _has_more_to_do(payment: Payment) -> bool:
    """A refused movement interrupted a decision that can be carried on; a move that failed leaves the lesson as it was."""
    if payment.review_reason not in FAILED_MOVEMENTS:
        return False
    return _last_plan(payment).purpose != Purpose.RESCHEDULE and _decided(payment).exists()


def decision_in_hand(payment: Payment) -> MoneyPlan | None:
    """The decision that a refused movement interrupted, or a staff refund that did not go through; None when there is none."""
    if not _has_more_to_do(payment):
        return None
    last = _last_plan(payment)
    return last if last.purpose == Purpose.REFUND else _decided(payment).latest("decided_at", "id")


def _last_plan(payment: Payment) -> MoneyPlan:
    """The plan made last, whatever time it was decided for."""
    return payment.plans.exclude(finished_at=None).latest("id")


def _refund_again(booking: Booking, actor: Actor, reason: str, lease: Lease, now: datetime) -> MoneyPlan:
    """The same staff refund once more: what Stripe refused, and what the bank sent back, with what was taken back for it."""
    last = _last_plan(booking.payment)
    return open_plan(
        payment=booking.payment,
        booking_id=booking.pk,
        purpose=Purpose.REFUND,
        actor=actor,
        now=now,
        lease=lease,
        terms=last.terms,
        reason=reason,
        movements=what_is_left_of(last),
    )


def _decided(payment: Payment) -> QuerySet[MoneyPlan]:
    return payment.plans.filter(finished_at__isnull=False, terms__has_key="steps")


def _owed_again(payment: Payment) -> Terms:
    """The terms of the decision that a refused movement interrupted: the latest plan's, unchanged."""
    return from_plain(_decided(payment).latest("decided_at", "id").terms)


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    return hold_again(plan, booking.payment)


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    payment, terms = booking.payment, from_plain(plan.terms)
    refusal = Moves(plan).refusal
    if refusal is not None and refusal.kind in (Kind.REVERSE, Kind.REFUND):
        return review(plan, booking, refusal, now)
    if terms.refunds:  # what was given as credit for this lesson is not given twice
        book_credits(revoke_unspent(payment_id=payment.pk, up_to_cents=payment.credits_issued_cents, now=now))
    if terms.outcome in (Outcome.CAPTURE_FAILURE_PAID, Outcome.STUDENT_WINS_DISPUTE):
        release_account(AccountHold.Kind.LOCKED, payment_id=payment.pk, now=now, by=str(actor_of(plan)))
    return conclude_capture(plan, booking, now)


tells(Purpose.RESOLVE_REVIEW, follow_up=_follow_up, conclude=_conclude)
