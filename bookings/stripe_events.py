"""Table: Stripe event -> operation. The object is read back from Stripe; an old event is never trusted (policy 9)."""

from collections.abc import Callable
from datetime import datetime

from accounts.models import User
from common.actors import STRIPE
from payments import cards, connect, observed
from payments.models import Payment, StripeEventInbox

from . import operations
from .due import booking_of

UNKNOWN = "unknown object"
Handler = Callable[[StripeEventInbox, datetime], str]


def _hold(event: StripeEventInbox, now: datetime) -> str:
    """Something happened to a payment intent: read it back and take note."""
    payment = Payment.objects.filter(payment_intent_id=event.object_id).values_list("pk", flat=True).first()
    booking_id = booking_of(payment) if payment else None
    if booking_id is None:
        return UNKNOWN
    status = operations.confirm_hold(booking_id=booking_id, actor=STRIPE, now=now)
    if status == "requires_capture":
        operations.finish_repayment(booking_id=booking_id, actor=STRIPE, now=now)
    return status


def _chargeback(event: StripeEventInbox, now: datetime) -> str:
    """A dispute was opened, changed or closed."""
    intent = event.payload["data"]["object"].get("payment_intent")
    charge = event.payload["data"]["object"].get("charge")
    payment = (
        Payment.objects.filter(movements__kind="capture", movements__stripe_id=intent).first() if intent else None
    ) or (Payment.objects.filter(charge_id=charge).first() if charge else None)
    booking_id = booking_of(payment.pk) if payment else None
    if booking_id is None:
        return UNKNOWN
    return operations.note_chargeback(dispute_id=event.object_id, booking_id=booking_id, actor=STRIPE, now=now)


def _account(event: StripeEventInbox, now: datetime) -> str:
    return "noted" if connect.note_account(event.stripe_account or event.object_id, now=now) else UNKNOWN


def _payout(event: StripeEventInbox, now: datetime) -> str:
    return observed.note_payout(event.object_id, account=event.stripe_account, now=now)


def _card_saved(event: StripeEventInbox, now: datetime) -> str:
    """A card was saved in the browser: remember it for its owner."""
    setup = event.payload["data"]["object"]
    user = User.objects.filter(stripe_customer_id=setup.get("customer") or "-").first()
    if user is None or not setup.get("payment_method"):
        return UNKNOWN
    cards.save_card(user=user, payment_method_id=setup["payment_method"])
    return "saved"


HANDLERS: dict[str, Handler] = {
    "payment_intent.amount_capturable_updated": _hold,
    "payment_intent.payment_failed": _hold,
    "payment_intent.canceled": _hold,
    "payment_intent.requires_action": _hold,
    "charge.dispute.created": _chargeback,
    "charge.dispute.updated": _chargeback,
    "charge.dispute.funds_withdrawn": _chargeback,
    "charge.dispute.funds_reinstated": _chargeback,
    "charge.dispute.closed": _chargeback,
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
