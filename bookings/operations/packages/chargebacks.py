"""The student's bank takes a package's money back: what is unused freezes, nothing else moves; it ends as the bank decides."""

from datetime import datetime

from django.db import transaction

from accounts.holds import open_hold
from accounts.models import AccountHold
from bookings.models import Booking, SupportItem
from bookings.operations._history import ask_support
from bookings.operations.cancel import cancel_for_the_system
from bookings.operations.chargebacks import CHARGEBACK, LOST, WON, note_dispute
from bookings.state_machine import BookingStatus
from common.actors import Actor
from common.problems import StripeUnavailable
from packages import entitlements
from packages.models import Entitlement, Package
from payments import gateway
from payments.models import Chargeback
from payments.vocabulary import Outcome, PaymentStatus

from ._whole import Whole, lock_whole_at_rest, one_package_at_a_time

S, P = Entitlement.Status, Package.Status


def note_package_chargeback(*, dispute_id: str, package_id: str, actor: Actor, now: datetime) -> str:
    """Read a dispute about a package's charge back from Stripe and act on it; harmless when it says nothing new.

    Opened: unused lessons freeze. Won or withdrawn: they are back. Lost: they are revoked, booked ones that have not begun
    are cancelled, the account is restricted. Instructors keep what they were paid. Raises OperationInProgress,
    StripeUnavailable.
    """
    with one_package_at_a_time(package_id, now):
        try:
            dispute = gateway.dispute(dispute_id)
        except gateway.OutcomeUnknown as unknown:
            raise StripeUnavailable() from unknown
        with transaction.atomic():
            result = _apply(lock_whole_at_rest(package_id), dispute, actor, now)
    for booking_id in _to_cancel(package_id, now):
        cancel_for_the_system(booking_id=booking_id, actor=actor, reason="Chargeback lost", now=now)
    return result


def _apply(whole: Whole, dispute: gateway.Fields, actor: Actor, now: datetime) -> str:
    chargeback = note_dispute(whole.payment, dispute, now)
    inquiry = dispute["status"].startswith("warning") and not dispute.get("balance_transactions")
    results = []
    if chargeback.closed_at is None:
        _ask_for_evidence(whole, chargeback, now)
    if not chargeback.opened_at and not inquiry:
        _open(whole, chargeback, actor, now)
        results.append("opened")
    if dispute["status"] in (*WON, *LOST) and not chargeback.closed_at:
        results.append(_close(whole, chargeback, actor, now, lost=dispute["status"] in LOST))
    return ", ".join(results) or "nothing"


def _ask_for_evidence(whole: Whole, chargeback: Chargeback, now: datetime) -> None:
    ask_support(
        kind=SupportItem.Kind.CHARGEBACK,
        cause=chargeback.pk,
        booking_id=whole.package.first_booking_id or "",
        money_at_risk_cents=chargeback.amount_cents,
        now=now,
        due_at=chargeback.evidence_due_by,
        detail=f"Package {whole.package.pk}, {chargeback.reason}: {chargeback.status}",
    )


def _open(whole: Whole, chargeback: Chargeback, actor: Actor, now: datetime) -> None:
    package, payment = whole.package, whole.payment
    chargeback.opened_at = now
    chargeback.save(update_fields=["opened_at"])
    if package.status == P.PAID:
        entitlements.move(entitlements.locked(package, S.AVAILABLE, S.TO_REFUND), S.FROZEN)
        package.status = P.DISPUTED
        package.save()
    if payment.status != PaymentStatus.MANUAL_REVIEW:
        payment.freeze()
        payment.reviewed_since = now
    payment.review_reason = CHARGEBACK
    payment.save()
    whole.note(
        "package_charged_back",
        actor=actor,
        now=now,
        amounts={"amount_cents": chargeback.amount_cents},
        details={"dispute": chargeback.pk, "reason": chargeback.reason},
    )


def _close(whole: Whole, chargeback: Chargeback, actor: Actor, now: datetime, *, lost: bool) -> str:
    package, payment = whole.package, whole.payment
    chargeback.closed_at, chargeback.result = now, "lost" if lost else "won"
    chargeback.save(update_fields=["closed_at", "result"])
    SupportItem.objects.filter(cause=chargeback.pk, closed_at=None).update(closed_at=now)
    if chargeback.opened_at is None or payment.review_reason != CHARGEBACK:
        return chargeback.result  # an inquiry that took no money
    frozen = entitlements.locked(package, S.FROZEN)
    if not lost:
        entitlements.move(frozen, S.AVAILABLE)
        package.status = P.PAID if package.status == P.DISPUTED else package.status
        payment.thaw()
    else:
        entitlements.end(package, frozen, S.REVOKED, chargeback.pk, now)
        package.status = P.CHARGED_BACK if package.status == P.DISPUTED else package.status
        payment.settlement_outcome, payment.settled_at = Outcome.STUDENT_WINS_DISPUTE, now
        returned = payment.refunded_to_card_cents + chargeback.amount_cents
        payment.refunded_to_card_cents = min(returned, payment.card_charged_cents)
        payment.settle()
        open_hold(
            user_id=payment.student_id,
            kind=AccountHold.Kind.RESTRICTED,
            payment_id=payment.pk,
            amount_cents=chargeback.amount_cents,
            now=now,
            reason="A chargeback was lost.",
        )
    payment.review_reason = ""
    payment.save()
    package.save()
    whole.note("package_chargeback_lost" if lost else "package_chargeback_won", actor=actor, now=now)
    return chargeback.result


def _to_cancel(package_id: str, now: datetime) -> list[str]:
    """Lessons of a lost package that have not begun."""
    standing = Booking.objects.filter(status=BookingStatus.CONFIRMED, starts_at__gt=now, rescheduled_to=None)
    lost = standing.filter(
        payment__entitlement__package=package_id, payment__entitlement__package__status=P.CHARGED_BACK
    )
    return list(lost.exclude(payment__status=PaymentStatus.MANUAL_REVIEW).order_by("pk").values_list("pk", flat=True))
