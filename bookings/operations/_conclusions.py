"""How decisions end: credits, statuses and what is recorded, only once Stripe has confirmed it (policy 3, 5)."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from accounts.holds import lift_hold, open_hold
from accounts.models import AccountHold
from bookings.models import Booking, SupportItem
from bookings.policy.packages import BLAMELESS, Entitled, entitlement_after, is_late
from bookings.policy.terms import Credits, Share, Step, Terms
from bookings.queries import frozen_amounts
from common.actors import Actor
from credits import operations as credit_lots
from credits.freezing import spent_from
from credits.models import CreditEntry, CreditLot
from packages import entitlements
from payments import ledger
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import paid_to_instructor
from payments.vocabulary import Outcome, PaymentStatus

from ._history import actor_of, ask_support, close_cause, note
from ._story import Moves

Kind = MoneyMovement.Kind
SOURCES = {
    Outcome.CANCEL_LATE: CreditLot.Source.CANCEL_12_24,
    Outcome.CANCEL_LAST_MINUTE: CreditLot.Source.CANCEL_LT12,
    Outcome.LOCKED_CANCEL_LATE: CreditLot.Source.CANCEL_LOCKED,
    Outcome.LOCKED_CANCEL_LAST_MINUTE: CreditLot.Source.CANCEL_LOCKED,
}
PROMOTIONAL = (CreditLot.Source.MILESTONE, CreditLot.Source.REFERRAL, CreditLot.Source.GOODWILL)


def as_plain(terms: Terms) -> dict[str, Any]:
    """Terms for a plan's JSON: the decision, to be applied unchanged after any crash."""
    return asdict(terms)


def from_plain(plain: dict[str, Any]) -> Terms:
    return Terms(
        outcome=Outcome(plain["outcome"]),
        steps=tuple(Step(step) for step in plain["steps"]),
        credits=Credits(plain["credits"]),
        pays=Share(plain["pays"]),
    )


def book_credits(entries: Iterable[CreditEntry]) -> dict[str, int]:
    """Post credit entries to the ledger; returns the cents by kind of entry."""
    totals: dict[str, int] = {}
    entries = list(entries)
    for entry in entries:
        totals[entry.kind] = totals.get(entry.kind, 0) + entry.amount_cents
        ledger.post_credit(
            key=f"credit:{entry.pk}",
            kind=entry.kind,
            amount_cents=entry.amount_cents,
            promotional=entry.lot.source in PROMOTIONAL,
            at=entry.at,
            payment_id=entry.payment_id,
        )
    back = [e for e in entries if e.kind in (CreditEntry.Kind.FREEZE, CreditEntry.Kind.REVOKE)]
    for origin, at in {entry.lot.origin_payment_id: entry.at for entry in back}.items():
        _owe_less(origin, at)
    return totals


def _owe_less(payment_id: str, now: datetime) -> None:
    """Charged-back credit that came back unspent is no longer owed (policy 7)."""
    owed = AccountHold.objects.filter(kind=AccountHold.Kind.NEGATIVE, payment_id=payment_id, lifted_at=None).first()
    if owed is None:
        return
    spent = spent_from(payment_id=payment_id)
    if spent:
        owed.amount_cents = spent
        owed.save(update_fields=["amount_cents"])
    else:
        release_account(AccountHold.Kind.NEGATIVE, payment_id=payment_id, now=now, by="credit came back")


def apply_credits(payment: Payment, terms: Terms, now: datetime) -> None:
    """Do with the reserved credits what the terms say, and record what was done."""
    match terms.credits:
        case Credits.RELEASE:
            entries = credit_lots.release(payment_id=payment.pk, up_to_cents=None, now=now)
        case Credits.CONSUME:
            entries = credit_lots.consume(payment_id=payment.pk, now=now)
        case Credits.FORFEIT:
            entries = credit_lots.forfeit(payment_id=payment.pk, up_to_cents=None, now=now)
        case Credits.BACK_TO_PRICE | Credits.BACK_TO_HALF:
            entries = credit_lots.back_to(
                payment_id=payment.pk,
                owner_id=payment.student_id,
                target_cents=terms.credit_cents(frozen_amounts(payment)),
                source=SOURCES[terms.outcome],
                issue_key=f"{terms.outcome}:{payment.pk}",
                now=now,
            ).entries
    totals = book_credits(entries)
    payment.credits_released_cents += totals.get("release", 0)
    payment.credits_issued_cents += totals.get("issue", 0)
    payment.credits_forfeited_cents += totals.get("forfeit", 0)
    payment.credits_consumed_cents += totals.get("consume", 0)
    payment.student_credit_cents = terms.credit_cents(frozen_amounts(payment))


def settle(plan: MoneyPlan, booking: Booking, terms: Terms, now: datetime, *, event: str, **details: Any) -> str:
    """The money is final: credits, outcome, payout as confirmed, event. Saves the payment; the caller saves the booking."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    apply_credits(payment, terms, now)
    payment.settlement_outcome, payment.settled_at = terms.outcome, now
    payment.owed_outcome = ""
    payment.review_reason = ""
    payment.instructor_payout_cents = paid_to_instructor(payment)
    if payment.has_locked_funds:
        payment.lock_resolution, payment.lock_resolved_at = terms.outcome, now
    payment.settle()
    payment.save()
    if payment.is_prepaid:
        _conclude_entitlement(plan, booking, terms.outcome, now)
    note(
        booking,
        event,
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        reason=plan.reason,
        amounts=recorded_amounts(payment),
        details={"outcome": str(terms.outcome), **details},
    )
    return str(terms.outcome)


def _conclude_entitlement(plan: MoneyPlan, booking: Booking, outcome: Outcome, now: datetime) -> None:
    entitlements.conclude(
        booking.payment,
        is_used=entitlement_after(outcome) is Entitled.USED,
        is_late=is_late(outcome, starts_at=booking.starts_at, now=plan.decided_at),
        is_blameless=outcome in BLAMELESS,
        cause=plan.pk,
        now=now,
    )


def recorded_amounts(payment: Payment) -> dict[str, int]:
    """What an event says of the money."""
    return {
        "card_charged_cents": payment.card_charged_cents,
        "refunded_to_card_cents": payment.refunded_to_card_cents,
        "student_credit_cents": payment.student_credit_cents,
        "instructor_payout_cents": payment.instructor_payout_cents,
        "credits_released_cents": payment.credits_released_cents,
        "credits_issued_cents": payment.credits_issued_cents,
        "credits_forfeited_cents": payment.credits_forfeited_cents,
        "credits_consumed_cents": payment.credits_consumed_cents,
    }


REVIEW_KINDS = {
    Kind.REVERSE: ("reversal_failed", SupportItem.Kind.REVERSAL_FAILED),
    Kind.REFUND: ("refund_failed", SupportItem.Kind.REFUND_FAILED),
    Kind.TRANSFER: ("payout_failed", SupportItem.Kind.PAYOUT_FAILED),
}


def review(plan: MoneyPlan, booking: Booking, refusal: MoneyMovement, now: datetime) -> str:
    """Stripe refused a reversal, refund or payout: automation stops and a person decides (policy 5)."""
    reason, support_kind = REVIEW_KINDS.get(Kind(refusal.kind), ("stripe_refused", SupportItem.Kind.UNKNOWN_STATE))
    payment = booking.payment
    payment.owed_outcome = plan.terms.get("outcome", payment.owed_outcome)
    payment.instructor_payout_cents = paid_to_instructor(payment)
    freeze(booking, reason=reason, actor=actor_of(plan), now=now, plan=plan)
    ask_support(
        kind=support_kind,
        cause=plan.pk,
        booking_id=booking.pk,
        money_at_risk_cents=refusal.amount_cents,
        now=now,
        detail=f"{refusal.get_kind_display()}: {refusal.error_code} {refusal.error_message}",
    )
    return reason


def freeze(booking: Booking, *, reason: str, actor: Actor, now: datetime, plan: MoneyPlan | None = None) -> None:
    """Into manual review, remembering what was frozen; a payment already there keeps its first freeze."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    if payment.status != PaymentStatus.MANUAL_REVIEW:
        payment.freeze()
        payment.reviewed_since = now
    payment.review_reason = reason
    payment.save()
    note(booking, "review_opened", actor=actor, now=now, before=before, reason=reason, plan=plan)


def card_failed(plan: MoneyPlan) -> MoneyMovement | None:
    """The refused hold or capture of a plan, if that is what stopped it."""
    refusal = Moves(plan).refusal
    return refusal if refusal and refusal.kind in (Kind.AUTHORIZE, Kind.CAPTURE, Kind.CREATE_INTENT) else None


HELD = {
    AccountHold.Kind.LOCKED: SupportItem.Kind.ACCOUNT_LOCKED,
    AccountHold.Kind.RESTRICTED: SupportItem.Kind.ACCOUNT_RESTRICTED,
    AccountHold.Kind.NEGATIVE: SupportItem.Kind.ACCOUNT_NEGATIVE,
}


def hold_account(
    booking: Booking, kind: AccountHold.Kind, *, amount_cents: int, now: datetime, reason: str, detail: str = ""
) -> None:
    """Keep a student from booking because of a payment, and show it to support until it is lifted (policy 4.5, 7)."""
    payment = booking.payment
    open_hold(
        user_id=payment.student_id, kind=kind, payment_id=payment.pk, amount_cents=amount_cents, now=now, reason=reason
    )
    ask_support(
        kind=HELD[kind],
        cause=payment.pk,
        booking_id=booking.pk,
        money_at_risk_cents=amount_cents,
        now=now,
        detail=detail or reason,
    )


def release_account(kind: AccountHold.Kind, *, payment_id: str, now: datetime, by: str) -> int:
    """Lift the hold of one payment; returns how many were open (0 or 1)."""
    close_cause(HELD[kind], cause=payment_id, now=now)
    return lift_hold(kind=kind, payment_id=payment_id, now=now, by=by)
