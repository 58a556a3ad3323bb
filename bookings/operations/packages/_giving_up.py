"""How a package that will not be had ends: never paid, or paid and refunded at once."""

from datetime import datetime

from bookings.models import SupportItem
from bookings.operations._history import actor_of, ask_support
from bookings.operations._story import Moves
from packages import entitlements
from packages.models import Package
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement
from payments.vocabulary import Outcome

from ._whole import Whole, settle_drafts

Kind = MoneyMovement.Kind


def refund_what_was_paid(whole: Whole, moves: Moves) -> list[Movement]:
    """Everything the card paid goes back, once."""
    left = whole.payment.card_charged_cents - whole.payment.refunded_to_card_cents
    if left <= 0 or moves.last(Kind.REFUND) is not None:
        return []
    return [Movement(Kind.REFUND, left)]


def close_unpaid(plan: MoneyPlan, whole: Whole, reason: str, now: datetime) -> str:
    """No lesson comes of it. Saves the package and its payment; drafts must have been given up before."""
    package, payment = whole.package, whole.payment
    paid = payment.card_charged_cents > 0
    package.status = Package.Status.REFUSED if paid else Package.Status.NOT_PAID
    package.closed_at, package.closed_reason = now, reason[:500]
    package.save()
    settle_drafts(plan, whole, now)
    entitlements.void(package, now)
    refused = Moves(plan).last(Kind.REFUND)
    if refused is not None and refused.status == MoneyMovement.Status.REFUSED:
        return _ask_for_help(plan, whole, refused, now)
    payment.settlement_outcome = Outcome.PACKAGE_REFUSED if paid else Outcome.PACKAGE_NOT_PAID
    payment.settled_at = now
    payment.settle()
    payment.save()
    if paid:
        whole.note(
            "package_refused",
            actor=actor_of(plan),
            now=now,
            plan=plan,
            reason=reason,
            amounts={"refund_cents": payment.refunded_to_card_cents},
        )
    return "refunded" if paid else "given_up"


def _ask_for_help(plan: MoneyPlan, whole: Whole, refused: MoneyMovement, now: datetime) -> str:
    """The money is with us and could not be sent back: it waits for support, who refund it."""
    payment = whole.payment
    payment.freeze()
    payment.review_reason, payment.reviewed_since = "refund_failed", now
    payment.save()
    ask_support(
        kind=SupportItem.Kind.REFUND_FAILED,
        cause=whole.package.pk,
        booking_id=whole.package.first_booking_id or "",
        money_at_risk_cents=refused.amount_cents,
        now=now,
        detail=f"Package {whole.package.pk} was paid and refused: {refused.error_code} {refused.error_message}",
    )
    return "refund_failed"
