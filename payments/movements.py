"""How each kind of movement is asked of Stripe, looked up when the answer was lost, and what it changes when done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.clock import HOUR

from . import gateway, ledger
from .models import LedgerLine, MoneyMovement, Payment

Fields = dict[str, Any]
Kind = MoneyMovement.Kind


class NotThere(Exception):
    """Looked up at Stripe: it has not happened."""


@dataclass(frozen=True, slots=True)
class Handler:
    """`request` freezes what will be asked; `send` asks; `look_up` finds what exists; `record` books the answer."""

    request: Callable[[MoneyMovement, Payment], Fields]
    send: Callable[[MoneyMovement], Fields]
    look_up: Callable[[MoneyMovement], Fields]
    record: Callable[[MoneyMovement, Payment, Fields, datetime], None]


def _id_of(value: Any) -> str:
    """The id of an expandable field, expanded or not."""
    return str((value.get("id") if isinstance(value, dict) else value) or "")


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


# --- create_intent ---------------------------------------------------------------------------------------------------
def _create_intent_request(movement: MoneyMovement, payment: Payment) -> Fields:
    """A lesson's intent is held and captured later, for its instructor; a package's is charged at once, for the platform."""
    params: Fields = {
        "amount": payment.card_amount_cents,
        "currency": "usd",
        "customer": payment.student.stripe_customer_id,
        "capture_method": "automatic" if payment.kind == Payment.Kind.PACKAGE else "manual",
        "payment_method_types": ["card"],
        "transfer_group": payment.id,
        "metadata": _metadata(movement, payment),
    }
    if payment.kind == Payment.Kind.LESSON:
        params["transfer_data"] = {"destination": payment.destination_account_id}
    if movement.params.get("save_card"):
        params["setup_future_usage"] = "off_session"
    if payment.payment_method_id:
        params["payment_method"] = payment.payment_method_id
    if payment.application_fee_cents:
        params["application_fee_amount"] = payment.application_fee_cents
    return {**movement.params, "params": params}


def _metadata(movement: MoneyMovement, payment: Payment) -> Fields:
    """What an object at Stripe says of itself: whose it is, and what was bought."""
    return {**payment.stripe_metadata, "payment": payment.id, "movement": movement.id}


def _create_intent(movement: MoneyMovement) -> Fields:
    return gateway.create_intent(params=movement.params["params"], key=movement.idempotency_key)


def _find_intent(movement: MoneyMovement) -> Fields:
    sent = movement.plan.decided_at - HOUR
    for intent in gateway.intents_of(customer=movement.params["params"]["customer"], created_gte=int(sent.timestamp())):
        if intent["metadata"].get("movement") == movement.id:
            return intent
    raise NotThere


def _intent_created(movement: MoneyMovement, payment: Payment, intent: Fields, now: datetime) -> None:
    movement.stripe_id = payment.payment_intent_id = intent["id"]
    movement.result = {"client_secret": intent["client_secret"]}
    payment.capture_before = None


# --- authorize -------------------------------------------------------------------------------------------------------
def _authorize_request(movement: MoneyMovement, payment: Payment) -> Fields:
    params: Fields = {"payment_method": movement.params.get("payment_method") or payment.payment_method_id}
    if movement.params.get("off_session"):
        params["off_session"] = True
    else:
        params["use_stripe_sdk"] = True
    return {"intent": payment.payment_intent_id, "params": params, "charge_before": payment.charge_id}


def _authorize(movement: MoneyMovement) -> Fields:
    return gateway.confirm_intent(
        movement.params["intent"], params=movement.params["params"], key=movement.idempotency_key
    )


def _find_authorization(movement: MoneyMovement) -> Fields:
    """A hold or a pending 3-D Secure answers; an intent that still wants a card has not been confirmed by this attempt."""
    intent = gateway.intent(movement.params["intent"])
    if intent["status"] in ("requires_capture", "requires_action", "succeeded"):
        return intent
    raise NotThere


def _authorized(movement: MoneyMovement, payment: Payment, intent: Fields, now: datetime) -> None:
    movement.stripe_id = intent["id"]
    movement.result = {"status": intent["status"], "client_secret": intent.get("client_secret") or ""}
    note_hold(payment, intent)


def note_hold(payment: Payment, intent: Fields) -> None:
    """Remember the charge of a hold and until when Stripe keeps it; a cancelled intent holds nothing and is done with."""
    if intent["status"] == "canceled" and payment.payment_intent_id == intent["id"]:
        payment.capture_before, payment.payment_intent_id = None, ""
        return
    charge = intent.get("latest_charge")
    payment.charge_id = _id_of(charge) or payment.charge_id
    payment.payment_method_id = payment.payment_method_id or _id_of(intent.get("payment_method"))
    if intent["status"] == "requires_capture" and isinstance(charge, dict):
        card = (charge.get("payment_method_details") or {}).get("card") or {}
        payment.capture_before = _instant(card.get("capture_before"))


# --- collect ---------------------------------------------------------------------------------------------------------
def _collect_request(movement: MoneyMovement, payment: Payment) -> Fields:
    return {"intent": payment.payment_intent_id}


def _collect(movement: MoneyMovement) -> Fields:
    """The browser paid; Stripe says what. Raises OutcomeUnknown while it is not paid: nothing to take note of yet."""
    intent = gateway.intent(movement.params["intent"])
    if intent["status"] != "succeeded":
        raise gateway.OutcomeUnknown(f"the intent is {intent['status']}")
    return intent


def _find_collected(movement: MoneyMovement) -> Fields:
    try:
        return _collect(movement)
    except gateway.OutcomeUnknown as unknown:
        raise NotThere from unknown


def _collected(movement: MoneyMovement, payment: Payment, intent: Fields, now: datetime) -> None:
    charge = intent["latest_charge"]
    amount, fee = charge["amount_captured"], charge["balance_transaction"]["fee"]
    movement.stripe_id, movement.amount_cents = intent["id"], amount
    movement.result = {"charge": charge["id"], "amount": amount, "stripe_fee": fee}
    payment.charge_id = charge["id"]
    payment.payment_method_id = _id_of(intent.get("payment_method"))
    payment.card_charged_cents += amount
    payment.captured_at = now
    ledger.post(
        key=f"movement:{movement.id}",
        kind="collect",
        payment_id=payment.id,
        movement_id=movement.id,
        at=now,
        lines=ledger.platform_charge_lines(charge=charge["id"], amount=amount, stripe_fee=fee),
    )


# --- capture ---------------------------------------------------------------------------------------------------------
def _capture_request(movement: MoneyMovement, payment: Payment) -> Fields:
    return {"intent": payment.payment_intent_id, "params": {"amount_to_capture": movement.amount_cents}}


def _capture(movement: MoneyMovement) -> Fields:
    return gateway.capture_intent(
        movement.params["intent"], params=movement.params["params"], key=movement.idempotency_key
    )


def _find_capture(movement: MoneyMovement) -> Fields:
    intent = gateway.intent(movement.params["intent"])
    if intent["status"] == "succeeded":
        return intent
    raise NotThere


def _captured(movement: MoneyMovement, payment: Payment, intent: Fields, now: datetime) -> None:
    charge = intent["latest_charge"]
    transfer, fee = charge["transfer"], charge.get("application_fee") or {}
    movement.stripe_id, movement.stripe_account = intent["id"], payment.destination_account_id
    movement.result = {
        "charge": charge["id"],
        "transfer": transfer["id"],
        "transfer_amount": transfer["amount"],
        "application_fee": fee.get("id", ""),
        "application_fee_amount": fee.get("amount", 0),
        "stripe_fee": charge["balance_transaction"]["fee"],
    }
    payment.charge_id = charge["id"]
    payment.card_charged_cents += charge["amount_captured"]
    payment.captured_at = now
    ledger.post(
        key=f"movement:{movement.id}",
        kind="capture",
        payment_id=payment.id,
        movement_id=movement.id,
        at=now,
        lines=ledger.capture_lines(
            account_id=payment.destination_account_id,
            charge=charge["id"],
            amount=charge["amount_captured"],
            stripe_fee=charge["balance_transaction"]["fee"],
            transfer=transfer["id"],
            payment=_id_of(transfer["destination_payment"]),
            fee=fee.get("id", ""),
            fee_amount=fee.get("amount", 0),
        ),
    )


# --- cancel_intent ---------------------------------------------------------------------------------------------------
def _cancel_request(movement: MoneyMovement, payment: Payment) -> Fields:
    return {"intent": movement.params.get("intent") or payment.payment_intent_id, "params": {}}


def _cancel(movement: MoneyMovement) -> Fields:
    return gateway.cancel_intent(
        movement.params["intent"], params=movement.params["params"], key=movement.idempotency_key
    )


def _find_cancelled(movement: MoneyMovement) -> Fields:
    intent = gateway.intent(movement.params["intent"], with_charge=False)
    if intent["status"] == "canceled":
        return intent
    raise NotThere


def _cancelled(movement: MoneyMovement, payment: Payment, intent: Fields, now: datetime) -> None:
    movement.stripe_id = intent["id"]
    if payment.payment_intent_id == intent["id"]:
        payment.capture_before = None


# --- reverse ---------------------------------------------------------------------------------------------------------
def _reverse_request(movement: MoneyMovement, payment: Payment) -> Fields:
    """Which transfer: one named by id, or (`auto`) the one that this payment's latest capture made."""
    source = dict(movement.params)
    if source.get("transfer", "auto") == "auto":
        capture = latest_capture(payment)
        source |= {
            "transfer": capture.result["transfer"],
            "fee": capture.result["application_fee"],
            "account": capture.stripe_account,
        }
    params: Fields = {"amount": movement.amount_cents, "metadata": _metadata(movement, payment)}
    if source.get("fee"):
        params["refund_application_fee"] = True
    return {**source, "params": params}


def latest_capture(payment: Payment) -> MoneyMovement:
    """The movement that captured. Raises MoneyMovement.DoesNotExist when there is none."""
    return MoneyMovement.objects.filter(payment=payment, kind=Kind.CAPTURE, status="done").latest("done_at")


def _reverse(movement: MoneyMovement) -> Fields:
    reversal = gateway.reverse_transfer(
        movement.params["transfer"], params=movement.params["params"], key=movement.idempotency_key
    )
    return {**reversal, "fee_refunds": _new_fee_refunds(movement.params.get("fee", ""))}


def _find_reversal(movement: MoneyMovement) -> Fields:
    for reversal in gateway.reversals_of(movement.params["transfer"]):
        if reversal["metadata"].get("movement") == movement.id:
            return {**reversal, "fee_refunds": _new_fee_refunds(movement.params.get("fee", ""))}
    raise NotThere


def _new_fee_refunds(fee: str) -> dict[str, int]:
    """Refunds of an application fee that the ledger does not know yet: those that the movement just made."""
    if not fee:
        return {}
    found = {refund["id"]: refund["amount"] for refund in gateway.fee_refunds_of(fee)}
    known = LedgerLine.objects.filter(account=ledger.PLATFORM, stripe_source__in=found).values_list(
        "stripe_source", flat=True
    )
    return {refund: amount for refund, amount in found.items() if refund not in set(known)}


def _reversed(movement: MoneyMovement, payment: Payment, reversal: Fields, now: datetime) -> None:
    account = movement.params.get("account") or payment.destination_account_id
    movement.stripe_id, movement.stripe_account = reversal["id"], account
    fee_refunds = reversal["fee_refunds"]
    movement.result = {
        "transfer": movement.params["transfer"],
        "amount": reversal["amount"],
        "fee_refunded": sum(fee_refunds.values()),
    }
    ledger.post(
        key=f"movement:{movement.id}",
        kind="reversal",
        payment_id=payment.id,
        movement_id=movement.id,
        at=now,
        lines=ledger.reversal_lines(
            account_id=account,
            amount=reversal["amount"],
            reversal=reversal["id"],
            payment_refund=_id_of(reversal["destination_payment_refund"]),
            fee_refunds=fee_refunds,
        ),
    )


# --- transfer --------------------------------------------------------------------------------------------------------
def _transfer_request(movement: MoneyMovement, payment: Payment) -> Fields:
    params = {
        "amount": movement.amount_cents,
        "currency": "usd",
        "destination": payment.destination_account_id,
        "transfer_group": payment.id,
        "metadata": {**_metadata(movement, payment), "purpose": movement.purpose},
    }
    return {"params": params}


def _transfer(movement: MoneyMovement) -> Fields:
    return gateway.create_transfer(params=movement.params["params"], key=movement.idempotency_key)


def _find_transfer(movement: MoneyMovement) -> Fields:
    for transfer in gateway.transfers_of(transfer_group=movement.payment_id):
        if transfer["metadata"].get("movement") == movement.id:
            return transfer
    raise NotThere


def _transferred(movement: MoneyMovement, payment: Payment, transfer: Fields, now: datetime) -> None:
    account = _id_of(transfer["destination"])
    movement.stripe_id, movement.stripe_account = transfer["id"], account
    movement.result = {"transfer": transfer["id"], "amount": transfer["amount"]}
    ledger.post(
        key=f"movement:{movement.id}",
        kind="transfer",
        payment_id=payment.id,
        movement_id=movement.id,
        at=now,
        memo=movement.purpose,
        lines=ledger.transfer_lines(
            account_id=account,
            amount=transfer["amount"],
            transfer=transfer["id"],
            payment=_id_of(transfer["destination_payment"]),
        ),
    )


# --- refund ----------------------------------------------------------------------------------------------------------
def _refund_request(movement: MoneyMovement, payment: Payment) -> Fields:
    params: Fields = {
        "payment_intent": payment.payment_intent_id,
        "amount": movement.amount_cents,
        "reason": "requested_by_customer",
        "metadata": _metadata(movement, payment),
    }
    fee = ""
    if movement.params.get("reverse_transfer"):
        params["reverse_transfer"] = True
        fee = latest_capture(payment).result["application_fee"]
        if fee:
            params["refund_application_fee"] = True
    return {**movement.params, "fee": fee, "params": params}


def _refund(movement: MoneyMovement) -> Fields:
    refund = gateway.create_refund(params=movement.params["params"], key=movement.idempotency_key)
    return {**refund, "fee_refunds": _new_fee_refunds(movement.params.get("fee", ""))}


def _find_refund(movement: MoneyMovement) -> Fields:
    for refund in gateway.refunds_of(movement.params["params"]["payment_intent"]):
        if refund["metadata"].get("movement") == movement.id:
            return {**refund, "fee_refunds": _new_fee_refunds(movement.params.get("fee", ""))}
    raise NotThere


def _refunded(movement: MoneyMovement, payment: Payment, refund: Fields, now: datetime) -> None:
    movement.stripe_id = refund["id"]
    reversal, fee_refunds = refund.get("transfer_reversal"), refund["fee_refunds"]
    movement.result = {"amount": refund["amount"], "fee_refunded": sum(fee_refunds.values())}
    payment.refunded_to_card_cents += refund["amount"]
    lines = ledger.refund_lines(amount=refund["amount"], refund=refund["id"])
    if reversal:
        movement.result |= {"transfer": _id_of(reversal["transfer"]), "reversed": reversal["amount"]}
        movement.stripe_account = payment.destination_account_id
        lines += ledger.reversal_lines(
            account_id=payment.destination_account_id,
            amount=reversal["amount"],
            reversal=reversal["id"],
            payment_refund=_id_of(reversal["destination_payment_refund"]),
            fee_refunds=fee_refunds,
        )
    ledger.post(
        key=f"movement:{movement.id}",
        kind="refund",
        payment_id=payment.id,
        movement_id=movement.id,
        at=now,
        lines=lines,
    )


HANDLERS: dict[str, Handler] = {
    Kind.CREATE_INTENT: Handler(_create_intent_request, _create_intent, _find_intent, _intent_created),
    Kind.AUTHORIZE: Handler(_authorize_request, _authorize, _find_authorization, _authorized),
    Kind.COLLECT: Handler(_collect_request, _collect, _find_collected, _collected),
    Kind.CAPTURE: Handler(_capture_request, _capture, _find_capture, _captured),
    Kind.CANCEL_INTENT: Handler(_cancel_request, _cancel, _find_cancelled, _cancelled),
    Kind.REVERSE: Handler(_reverse_request, _reverse, _find_reversal, _reversed),
    Kind.TRANSFER: Handler(_transfer_request, _transfer, _find_transfer, _transferred),
    Kind.REFUND: Handler(_refund_request, _refund, _find_refund, _refunded),
}
