"""Every change leaves an append-only event: what, who, when, amounts, Stripe ids, key (policy 9)."""

from datetime import datetime
from typing import Any

from bookings import notifications
from bookings.models import Booking, BookingEvent, SupportItem
from common.actors import Actor, Door, Role
from payments.models import MoneyPlan


def actor_of(plan: MoneyPlan) -> Actor:
    """Who made a plan's decision."""
    return Actor(Role(plan.actor_role), plan.actor_id, Door(plan.door))


def note(
    booking: Booking,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    before: tuple[str, str] | None = None,
    reason: str = "",
    plan: MoneyPlan | None = None,
    amounts: dict[str, int] | None = None,
    details: dict[str, Any] | None = None,
) -> BookingEvent:
    """Write what happened and tell those whom it concerns. Must run inside the transaction that makes it happen.

    `before` is (booking status, payment status) from before the change.
    """
    status_from, payment_from = before or (booking.status, booking.payment.status)
    event = BookingEvent.objects.create(
        booking=booking,
        kind=kind,
        at=now,
        actor_role=actor.role,
        actor_id=actor.id,
        door=actor.door,
        reason=reason[:2000],
        status_from=status_from,
        status_to=booking.status,
        payment_status_from=payment_from,
        payment_status_to=booking.payment.status,
        amounts=amounts or {},
        stripe_ids=_stripe_ids(plan),
        plan_id=plan.pk if plan else "",
        details=details or {},
    )
    notifications.announce(event, booking)
    return event


def _stripe_ids(plan: MoneyPlan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    return {
        f"{m.position}:{m.kind}": {
            "id": m.stripe_id,
            "status": m.status,
            "key": m.idempotency_key,
            "error": m.error_code,
        }
        for m in plan.movements.order_by("position")
    }


def ask_support(
    *,
    kind: SupportItem.Kind,
    cause: str,
    now: datetime,
    booking_id: str = "",
    money_at_risk_cents: int = 0,
    detail: str = "",
    due_at: datetime | None = None,
) -> None:
    """Put something in front of a person. The same cause is one open item."""
    SupportItem.objects.get_or_create(
        kind=kind,
        cause=cause,
        closed_at=None,
        defaults={
            "booking_id": booking_id,
            "money_at_risk_cents": money_at_risk_cents,
            "opened_at": now,
            "due_at": due_at,
            "detail": detail,
        },
    )


# What a booking's own end does not settle: the bank, the account's hold, the ledger, and the plan each say so themselves.
ENDS_ELSEWHERE = (
    SupportItem.Kind.CHARGEBACK,
    SupportItem.Kind.ACCOUNT_LOCKED,
    SupportItem.Kind.ACCOUNT_RESTRICTED,
    SupportItem.Kind.ACCOUNT_NEGATIVE,
    SupportItem.Kind.LEDGER_DIFFERENCE,
    SupportItem.Kind.PLAN_STUCK,
)


def close_support(*, booking_id: str, now: datetime) -> None:
    """Nothing is left to decide about a booking."""
    items = SupportItem.objects.filter(booking_id=booking_id, closed_at=None)
    items.exclude(kind__in=ENDS_ELSEWHERE).update(closed_at=now)


def close_cause(*kinds: SupportItem.Kind, cause: str, now: datetime) -> None:
    """What these items are about is over."""
    SupportItem.objects.filter(kind__in=kinds, cause=cause, closed_at=None).update(closed_at=now)


def close_stuck(plan: MoneyPlan, now: datetime) -> None:
    """A decision that support was shown as stuck has been carried out after all."""
    close_cause(SupportItem.Kind.PLAN_STUCK, cause=plan.pk, now=now)
