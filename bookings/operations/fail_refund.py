"""Money that banks send back afterwards: a refund that did not reach the card, a payout that did not reach the bank."""

from datetime import datetime

from django.db import transaction

from bookings.models import SupportItem
from bookings.notifications import tell
from common.actors import Actor
from common.problems import StripeFailed, StripeUnavailable
from payments import gateway, ledger
from payments.models import ConnectAccount, MoneyMovement
from payments.vocabulary import PaymentStatus

from ._conclusions import freeze, recorded_amounts
from ._history import ask_support, note
from ._story import lock_at_rest, one_at_a_time

FAILED = ("failed", "canceled")


def note_refund(*, refund_id: str, booking_id: str, actor: Actor, now: datetime) -> str:
    """Read a refund back; one that failed puts the money back on our balance and the booking before support (policy 5).

    Returns the refund's status; noted twice it changes nothing. The transfer that was reversed for it stays reversed: who
    ends the review says whom the money is for. Raises OperationInProgress, StripeUnavailable or StripeFailed.
    """
    with one_at_a_time(booking_id, now):
        try:
            refund = gateway.refund(refund_id)
        except gateway.OutcomeUnknown as unknown:
            raise StripeUnavailable() from unknown
        except gateway.Declined as refusal:
            raise StripeFailed(refusal.message) from refusal
        if refund["status"] in FAILED:
            _take_note(refund, booking_id, actor, now)
        return str(refund["status"])


def _take_note(refund: gateway.Fields, booking_id: str, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        done = payment.movements.select_for_update().filter(kind=MoneyMovement.Kind.REFUND, stripe_id=refund["id"])
        movement = done.filter(status=MoneyMovement.Status.DONE).first()
        if movement is None or movement.result.get("failed"):
            return
        why = refund.get("failure_reason") or refund["status"]
        movement.result = {**movement.result, "failed": why}
        movement.save(update_fields=["result"])
        ledger.post(
            key=f"refund_failed:{refund['id']}",
            kind="refund_failed",
            payment_id=payment.pk,
            at=now,
            memo=why,
            lines=ledger.refund_failed_lines(amount=refund["amount"], refund=refund["id"]),
        )
        before = (booking.status, payment.status)
        payment.refunded_to_card_cents -= refund["amount"]
        waits_already = payment.status == PaymentStatus.MANUAL_REVIEW
        if waits_already:  # whoever decides that finds the money not refunded
            payment.save()
        else:
            payment.owed_outcome = payment.settlement_outcome
            freeze(booking, reason="refund_failed", actor=actor, now=now)
            before = (booking.status, payment.status)  # the freeze is an event of its own
        note(
            booking,
            "refund_failed",
            actor=actor,
            now=now,
            before=before,
            reason=why,
            amounts={**recorded_amounts(payment), "refund_cents": refund["amount"]},
            details={"refund": refund["id"]},
        )
        ask_support(
            kind=SupportItem.Kind.REFUND_FAILED,
            cause=refund["id"],
            booking_id=booking.pk,
            money_at_risk_cents=refund["amount"],
            now=now,
            detail=f"The bank sent the refund back: {why}",
        )


def show_bank_payout(*, payout_id: str, account: str, status: str, amount_cents: int, now: datetime) -> None:
    """A payout that its bank sent back stands before support until a later one of the same account arrives."""
    if status in FAILED:
        with transaction.atomic():
            ask_support(
                kind=SupportItem.Kind.BANK_PAYOUT_FAILED,
                cause=f"{account or 'platform'}:{payout_id}",
                money_at_risk_cents=amount_cents,
                now=now,
                detail="The bank sent the payout back; the money is on the Stripe account again.",
            )
        _tell_instructor("payout_failed", payout_id, account, amount_cents, now)
    elif status == "paid":
        _tell_instructor("payout_sent", payout_id, account, amount_cents, now)
        items = SupportItem.objects.filter(kind=SupportItem.Kind.BANK_PAYOUT_FAILED, closed_at=None)
        items.filter(cause__startswith=f"{account or 'platform'}:").update(closed_at=now)


def _tell_instructor(kind: str, payout_id: str, account: str, amount_cents: int, now: datetime) -> None:
    """The instructor whose connected account it is hears of a payout; the platform's own concern nobody."""
    known = (
        ConnectAccount.objects.select_related("instructor").filter(stripe_account_id=account).first()
        if account
        else None
    )
    if known is not None:
        with transaction.atomic():
            facts = {"amount_cents": amount_cents}
            tell(known.instructor, kind, role="instructor", cause=f"{kind}:{payout_id}", facts=facts, now=now)
