"""The refund object, as refunds of payments, releases of holds and reversals of transfers all need it."""

from stripe_sandbox.ids import new_id, token
from stripe_sandbox.ledger import CARDS, Posting
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.schedule import task
from stripe_sandbox.types import Doc, private


def new_refund(box: Sandbox, charge: Doc, amount: int, reason: str | None, prefix: str = "re") -> Doc:
    """A refund of a charge, not yet kept."""
    refund: Doc = {
        "id": new_id(prefix),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": box.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    if prefix == "re":
        refund["destination_details"] = {
            "card": {
                "reference": token(10),
                "reference_status": "available",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        }
    return refund


FAILS_AFTER = 24 * 3600
"""Seconds until a refund to a card that takes none comes back."""


def fail_refund(box: Sandbox, refund: Doc, reason: str = "unknown") -> None:
    """The card's bank sends a refund back: the money is on the balance again, reversed transfers stay reversed."""
    owner, charge = private(refund)["owner"], box.store.get("charge", refund["charge"])
    posting = Posting("refund_failure", refund["id"], refund["currency"])
    back = box.ledger.transact(posting, owner, "refund_failure", refund["amount"], source=refund["id"])
    posting.line(CARDS, -refund["amount"])
    box.ledger.post(posting)
    refund.update({"status": "failed", "failure_reason": reason, "failure_balance_transaction": back["id"]})
    box.save("refund", refund)
    if charge is not None:
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        box.save("charge", charge)
    box.emit("refund.updated", refund)
    box.emit("charge.refund.updated", refund)
    box.emit("refund.failed", refund)


@task("refund_comes_back")
def refund_comes_back(box: Sandbox, ids: list[str]) -> None:
    """Refunds to cards that take none come back."""
    for id in ids:
        refund = box.store.get("refund", id)
        if refund is not None and refund["status"] == "succeeded":
            fail_refund(box, refund)


def release_refund(box: Sandbox, charge: Doc, amount: int, reason: str | None) -> None:
    """The refund that stands for a released hold: no money moved, so it has no balance transaction."""
    refund = new_refund(box, charge, amount, reason)
    refund["destination_details"]["card"]["type"] = "reversal"
    box.add("refund", refund, private(charge)["owner"])
