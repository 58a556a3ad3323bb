"""Table: Stripe event -> operation. The object is read back from Stripe; an old event is never trusted (policy 9)."""

from collections.abc import Callable
from datetime import datetime

from accounts.models import User
from common.actors import STRIPE
from packages.models import Package
from payments import cards, connect, observed
from payments.models import MoneyMovement, Payment, StripeEventInbox

from . import operations
from .due import booking_of

UNKNOWN = "unknown object"
Handler = Callable[[StripeEventInbox, datetime], str]


def _hold(event: StripeEventInbox, now: datetime) -> str:
    """Something happened to a payment intent: read it back and take note."""
    package_id = _package_of(payment_intent_id=event.object_id)
    if package_id:
        return operations.note_package_payment(package_id=package_id, actor=STRIPE, now=now)
    payment = Payment.objects.filter(payment_intent_id=event.object_id).values_list("pk", flat=True).first()
    booking_id = booking_of(payment) if payment else None
    if booking_id is None:
        return UNKNOWN
    status = operations.confirm_hold(booking_id=booking_id, actor=STRIPE, now=now)
    if status == "requires_capture":
        operations.finish_repayment(booking_id=booking_id, actor=STRIPE, now=now)
    return status


def _paid(event: StripeEventInbox, now: datetime) -> str:
    """A payment went through: a package's is charged by the browser; a lesson's by us, who know already."""
    package_id = _package_of(payment_intent_id=event.object_id)
    if package_id is None:
        return "ignored" if Payment.objects.filter(payment_intent_id=event.object_id).exists() else UNKNOWN
    return operations.note_package_payment(package_id=package_id, actor=STRIPE, now=now)


def _package_of(**payment: str) -> str | None:
    """The package whose purchase a payment is."""
    rows = Package.objects.filter(**{f"payment__{name}": value for name, value in payment.items() if value})
    package_id: str | None = rows.values_list("pk", flat=True).first() if all(payment.values()) else None
    return package_id


def _chargeback(event: StripeEventInbox, now: datetime) -> str:
    """A dispute was opened, changed or closed."""
    intent = event.payload["data"]["object"].get("payment_intent")
    charge = event.payload["data"]["object"].get("charge")
    package_id = _package_of(charge_id=charge or "")
    if package_id:
        return operations.note_package_chargeback(
            dispute_id=event.object_id, package_id=package_id, actor=STRIPE, now=now
        )
    payment = (
        Payment.objects.filter(movements__kind="capture", movements__stripe_id=intent).first() if intent else None
    ) or (Payment.objects.filter(charge_id=charge).first() if charge else None)
    booking_id = booking_of(payment.pk) if payment else None
    if booking_id is None:
        return UNKNOWN
    return operations.note_chargeback(dispute_id=event.object_id, booking_id=booking_id, actor=STRIPE, now=now)


def _refund(event: StripeEventInbox, now: datetime) -> str:
    """Something happened to a refund after it was made: it may have failed."""
    movement = MoneyMovement.objects.filter(kind="refund", stripe_id=event.object_id, status="done").first()
    booking_id = booking_of(movement.payment_id) if movement else None
    if booking_id is None:
        return UNKNOWN
    return operations.note_refund(refund_id=event.object_id, booking_id=booking_id, actor=STRIPE, now=now)


def _account(event: StripeEventInbox, now: datetime) -> str:
    return "noted" if connect.note_account(event.stripe_account or event.object_id, now=now) else UNKNOWN


def _payout(event: StripeEventInbox, now: datetime) -> str:
    status = observed.note_payout(event.object_id, account=event.stripe_account, now=now)
    operations.show_bank_payout(
        payout_id=event.object_id,
        account=event.stripe_account,
        status=status,
        amount_cents=event.payload["data"]["object"].get("amount") or 0,
        now=now,
    )
    return status


def _card_saved(event: StripeEventInbox, now: datetime) -> str:
    """A card was saved in the browser: remember it for its owner."""
    setup = event.payload["data"]["object"]
    user = User.objects.filter(stripe_customer_id=setup.get("customer") or "-").first()
    if user is None or not setup.get("payment_method"):
        return UNKNOWN
    cards.save_card(user=user, payment_method_id=setup["payment_method"])
    about = setup.get("metadata") or {}
    if about.get("source") != Package.Source.SESSION or not about.get("booking"):
        return "saved"
    return operations.finish_session(
        booking_id=about["booking"], student_id=user.pk, payment_method_id=setup["payment_method"], now=now
    )


HANDLERS: dict[str, Handler] = {
    "payment_intent.amount_capturable_updated": _hold,
    "payment_intent.payment_failed": _hold,
    "payment_intent.canceled": _hold,
    "payment_intent.requires_action": _hold,
    "payment_intent.succeeded": _paid,
    "charge.dispute.created": _chargeback,
    "charge.dispute.updated": _chargeback,
    "charge.dispute.funds_withdrawn": _chargeback,
    "charge.dispute.funds_reinstated": _chargeback,
    "charge.dispute.closed": _chargeback,
    "refund.failed": _refund,
    "refund.updated": _refund,
    "charge.refund.updated": _refund,
    "account.updated": _account,
    "capability.updated": _account,
    "payout.created": _payout,
    "payout.paid": _payout,
    "payout.failed": _payout,
    "payout.canceled": _payout,
    "setup_intent.succeeded": _card_saved,
}


def handle(event: StripeEventInbox, now: datetime) -> str:
    """Do what an event calls for; what it does not concern is `ignored`, what nobody here knows `unknown object`."""
    handler = HANDLERS.get(event.type)
    return handler(event, now) if handler else "ignored"
