"""Holds, captures and what a capture moves: the charge, the transfer to the destination, the application fee."""

from stripe_sandbox.cards import BY_NUMBER
from stripe_sandbox.config import APPLICATION_ID
from stripe_sandbox.ledger import CARDS, STRIPE_FEES, Posting
from stripe_sandbox.resources.application_fees import new_fee
from stripe_sandbox.resources.charges import destination_payment
from stripe_sandbox.resources.refund_objects import release_refund
from stripe_sandbox.resources.transfers import new_transfer
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.schedule import task
from stripe_sandbox.types import Doc, private


def hold(box: Sandbox, intent: Doc, charge: Doc, *, off_session: bool) -> None:
    """Place a hold: the money is reserved on the card until `capture_before`."""
    config = box.config
    until = box.now + (config.off_session_hold_seconds if off_session else config.hold_seconds)
    charge["payment_method_details"]["card"]["capture_before"] = until
    box.save("charge", charge)
    intent.update({"amount_capturable": intent["amount"], "status": "requires_capture"})
    box.save("payment_intent", intent)
    box.schedule.add(until, "hold_expires", intent["id"])
    box.emit("charge.succeeded", charge)
    box.emit("payment_intent.amount_capturable_updated", intent)


def hold_of(box: Sandbox, intent: Doc) -> Doc:
    """The charge that holds an intent's money."""
    return box.need("charge", intent["latest_charge"], private(intent)["owner"])


def settle(
    box: Sandbox, intent: Doc, charge: Doc, amount: int, fee: int | None, *, captured_later: bool = True
) -> None:
    """Capture `amount`; what was held beyond it is released. Moves the money and emits the events."""
    owner = private(charge)["owner"]
    card = BY_NUMBER[private(charge)["number"]]
    available_on = box.now + (0 if card.available_at_once else box.config.settlement_seconds)
    posting = Posting("capture", charge["id"], charge["currency"])
    stripe_fee = box.config.stripe_fee(amount)
    transaction = box.ledger.transact(
        posting,
        owner,
        "charge",
        amount,
        source=charge["id"],
        available_on=available_on,
        fee=stripe_fee,
        fee_details=[_fee_detail(stripe_fee, charge["currency"], "Stripe processing fees", "stripe_fee", None)],
        description=charge["description"],
    )
    posting.line(CARDS, -amount)
    posting.line(STRIPE_FEES, stripe_fee)
    charge.update({"amount_captured": amount, "captured": True, "balance_transaction": transaction["id"]})
    if amount < charge["amount"]:
        charge["amount_refunded"] = charge["amount"] - amount
        release_refund(box, charge, charge["amount_refunded"], None)
    intent.update({"amount_received": amount, "amount_capturable": 0, "status": "succeeded"})
    moved = _move_to_destination(box, posting, intent, charge, amount, fee, available_on) if _destined(intent) else []
    box.save("charge", charge)
    box.save("payment_intent", intent)
    box.ledger.post(posting)
    box.emit("charge.captured" if captured_later else "charge.succeeded", charge)
    for event, doc in moved:
        box.emit(event, doc)
    box.emit("payment_intent.succeeded", intent)
    if card.dispute:
        box.schedule.add(box.now, "test_card_dispute", charge["id"])


def release_hold(box: Sandbox, intent: Doc, reason: str | None) -> None:
    """Cancel an intent; a hold is given back to the card."""
    held = intent["status"] == "requires_capture"
    intent.update(
        {
            "amount_capturable": 0,
            "canceled_at": box.now,
            "cancellation_reason": reason,
            "next_action": None,
            "status": "canceled",
        }
    )
    box.save("payment_intent", intent)
    if held:
        charge = hold_of(box, intent)
        charge.update({"amount_refunded": charge["amount"], "refunded": True})
        automatic = reason == "automatic"
        release_refund(box, charge, charge["amount"], "expired_uncaptured_charge" if automatic else None)
        box.save("charge", charge)
        box.emit("charge.expired" if automatic else "charge.refunded", charge)
    box.emit("payment_intent.canceled", intent)


@task("hold_expires")
def hold_expires(box: Sandbox, ids: list[str]) -> None:
    """A hold reached its capture_before."""
    for id in ids:
        intent = box.store.get("payment_intent", id)
        if intent and intent["status"] == "requires_capture":
            release_hold(box, intent, "automatic")


def _destined(intent: Doc) -> bool:
    return bool(intent.get("transfer_data"))


def _move_to_destination(
    box: Sandbox, posting: Posting, intent: Doc, charge: Doc, amount: int, fee: int | None, available_on: int
) -> list[tuple[str, Doc]]:
    """The transfer of a destination charge and the application fee that comes back; the events to emit."""
    platform = private(charge)["owner"]
    data = intent["transfer_data"]
    connected = data["destination"]
    moved = min(data.get("amount", amount), amount)
    transfer = new_transfer(box, moved, charge["currency"], connected, charge["transfer_group"], charge["id"])
    payment = destination_payment(box, transfer, connected)
    events: list[tuple[str, Doc]] = [("transfer.created", transfer)]
    details: list[Doc] = []
    if fee:
        details = [_fee_detail(fee, charge["currency"], "Application fee", "application_fee", APPLICATION_ID)]
    out = box.ledger.transact(posting, platform, "transfer", -moved, source=transfer["id"], available_on=available_on)
    into = box.ledger.transact(
        posting,
        connected,
        "payment",
        moved,
        source=payment["id"],
        available_on=available_on,
        fee=fee or 0,
        fee_details=details,
    )
    payment["balance_transaction"] = into["id"]
    if fee:
        application_fee = new_fee(box, fee, charge, payment, connected)
        earned = box.ledger.transact(
            posting,
            platform,
            "application_fee",
            fee,
            source=application_fee["id"],
            available_on=available_on,
        )
        application_fee["balance_transaction"] = earned["id"]
        box.add("application_fee", application_fee, platform)
        events.append(("application_fee.created", application_fee))
        for doc in (charge, payment):
            doc.update({"application_fee": application_fee["id"], "application_fee_amount": fee})
    transfer.update({"balance_transaction": out["id"], "destination_payment": payment["id"]})
    private(transfer).update({"automatic": True, "available_on": available_on})
    box.add("transfer", transfer, platform)
    box.add("charge", payment, connected)
    charge["transfer"] = transfer["id"]
    return events


def _fee_detail(amount: int, currency: str, description: str, type: str, application: str | None) -> Doc:
    return {
        "amount": amount,
        "application": application,
        "currency": currency,
        "description": description,
        "type": type,
    }
