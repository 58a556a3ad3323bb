"""The browser paid, failed or went away: read the intent back; confirm what was paid, give up what was not (policy 12)."""

from datetime import datetime

from django.db import IntegrityError, transaction

from bookings.operations._history import actor_of
from bookings.operations._story import Moves, see_through, tells
from bookings.state_machine import BookingStatus
from common.actors import Actor
from common.mutex import Lease
from common.problems import Problem, StripeUnavailable
from packages import entitlements
from packages.models import Entitlement, Package
from payments import gateway
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement, open_plan
from payments.vocabulary import Outcome

from ._drafts import Where, confirm_draft, write_draft
from ._giving_up import close_unpaid, refund_what_was_paid
from ._whole import Whole, fresh_package, give_drafts_up, lock_whole, lock_whole_at_rest, one_package_at_a_time

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
P = Package.Status
EXPIRED = "It was not paid within 30 minutes."
CANCELLED = "The payment was cancelled."
REFUSALS = {
    "amount": "The amount paid was not the price.",
    "given_up": "It was paid after it had been given up.",
    "slot_taken": "Somebody has taken this time meanwhile.",
}


def note_package_payment(*, package_id: str, actor: Actor, now: datetime) -> str:
    """Read the package's intent back and act on it; harmless when it says nothing new. Returns the intent's status.

    Raises OperationInProgress or StripeUnavailable.
    """
    with one_package_at_a_time(package_id, now) as lease:
        return _take_note(package_id, actor, lease, now)


def expire_package(*, package_id: str, actor: Actor, now: datetime) -> str:
    """Give a package up whose time to pay is over. A payment made in the last moment counts: the intent is read first."""
    with one_package_at_a_time(package_id, now) as lease:
        _take_note(package_id, actor, lease, now)
        with transaction.atomic():
            whole = lock_whole_at_rest(package_id)
            if whole.package.status != P.AWAITING_PAYMENT or now < whole.package.pay_by:
                return "nothing"
            plan = _give_up(whole, actor, lease, now, EXPIRED)
        return see_through(plan, lease, now)


def _take_note(package_id: str, actor: Actor, lease: Lease, now: datetime) -> str:
    payment = fresh_package(package_id).payment
    if not payment.payment_intent_id or payment.card_charged_cents:
        return "nothing"
    try:
        intent = gateway.intent(payment.payment_intent_id)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    with transaction.atomic():
        plan = _decide(lock_whole_at_rest(package_id), intent, actor, lease, now)
    if plan is not None:
        see_through(plan, lease, now)
    return str(intent["status"])


def _decide(whole: Whole, intent: gateway.Fields, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    """What the intent's state means for this package, if anything."""
    if whole.payment.card_charged_cents:
        return None
    if intent["status"] == "succeeded":
        return _collect(whole, intent, actor, lease, now)
    if whole.package.status != P.AWAITING_PAYMENT:
        return None
    error = intent.get("last_payment_error")
    if intent["status"] == "canceled":
        return _give_up(whole, actor, lease, now, CANCELLED)
    if intent["status"] == "requires_payment_method" and error:
        return _give_up(whole, actor, lease, now, f"The card was declined: {error.get('message') or error.get('code')}")
    return None


# --- Paid ------------------------------------------------------------------------------------------------------------
def _collect(whole: Whole, intent: gateway.Fields, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan:
    refusal = _refusal(whole, intent)
    if not refusal and whole.package.source == Package.Source.PAYMENT_INTENT and not _book_asked(whole, actor, now):
        refusal = "slot_taken"
    if refusal:
        give_drafts_up(whole, actor=actor, reason=REFUSALS[refusal], now=now)
    return open_plan(
        payment=whole.payment,
        booking_id=whole.package.pk,
        purpose=Purpose.COLLECT_PACKAGE,
        actor=actor,
        now=now,
        lease=lease,
        terms={"refusal": refusal},
        reason=REFUSALS.get(refusal, ""),
        movements=[Movement(Kind.COLLECT, intent["amount_received"])],
    )


def _refusal(whole: Whole, intent: gateway.Fields) -> str:
    if whole.package.status != P.AWAITING_PAYMENT:
        return "given_up"
    return "" if intent["amount_received"] == whole.payment.card_amount_cents else "amount"


def _book_asked(whole: Whole, actor: Actor, now: datetime) -> bool:
    """Who paid first gets the lesson now, if its time is still to be had. Otherwise the booking never holds it."""
    package, asked = whole.package, whole.package.asked
    where = Where(asked["timezone"], asked["location_type"], asked["address"], asked["note"])
    starts_at = datetime.fromisoformat(asked["starts_at"])
    lesson = entitlements.locked(package, Entitlement.Status.PENDING)[0]
    holds_slot = True
    try:
        with transaction.atomic():
            draft = write_draft(package, lesson, starts_at, where, actor=actor, now=now)
    except (IntegrityError, Problem):
        holds_slot = False
        draft = write_draft(package, lesson, starts_at, where, actor=actor, now=now, holds_slot=False)
    package.first_booking = whole.told = draft
    package.save(update_fields=["first_booking"])
    whole.drafts.append(draft)
    return holds_slot


def _refund_refused(plan: MoneyPlan, whole: Whole, now: datetime) -> list[Movement]:
    return refund_what_was_paid(whole, Moves(plan)) if plan.terms["refusal"] else []


def _conclude(plan: MoneyPlan, whole: Whole, now: datetime) -> str:
    if plan.terms["refusal"]:
        return close_unpaid(plan, whole, plan.reason, now)
    package, payment, actor = whole.package, whole.payment, actor_of(plan)
    package.status, package.paid_at = P.PAID, now
    entitlements.open_up(package, now)
    package.save()
    payment.settlement_outcome, payment.settled_at = Outcome.PACKAGE_PAID, now
    payment.settle()
    payment.save()
    for booking in whole.drafts:
        if booking.status == BookingStatus.PENDING:
            confirm_draft(booking, actor=actor, now=now, plan=plan)
    whole.note("package_paid", actor=actor, now=now, plan=plan, amounts={"card_charged_cents": payment.card_charged_cents},
               details={"package": package.pk, "lessons": package.lesson_count})  # fmt: skip
    return "paid"


# --- Not paid --------------------------------------------------------------------------------------------------------
def _give_up(whole: Whole, actor: Actor, lease: Lease, now: datetime, reason: str) -> MoneyPlan:
    """Its times are free from here on; the intent is cancelled. Was it paid in this very moment, all of it goes back."""
    give_drafts_up(whole, actor=actor, reason=reason, now=now)
    return open_plan(
        payment=whole.payment,
        booking_id=whole.package.pk,
        purpose=Purpose.GIVE_UP_PACKAGE,
        actor=actor,
        now=now,
        lease=lease,
        reason=reason,
        movements=[Movement(Kind.CANCEL_INTENT)] if whole.payment.payment_intent_id else [],
    )


def _collect_after_all(plan: MoneyPlan, whole: Whole, now: datetime) -> list[Movement]:
    """Stripe refused to cancel: it was paid. Take note of the charge, then refund it."""
    moves = Moves(plan)
    refusal = moves.refusal
    if refusal is not None and refusal.kind == Kind.CANCEL_INTENT:
        return [Movement(Kind.COLLECT, whole.payment.card_amount_cents)]
    return refund_what_was_paid(whole, moves)


def _conclude_giving_up(plan: MoneyPlan, whole: Whole, now: datetime) -> str:
    return close_unpaid(plan, whole, plan.reason, now)


tells(Purpose.COLLECT_PACKAGE, lock=lock_whole, follow_up=_refund_refused, conclude=_conclude)
tells(Purpose.GIVE_UP_PACKAGE, lock=lock_whole, follow_up=_collect_after_all, conclude=_conclude_giving_up)
