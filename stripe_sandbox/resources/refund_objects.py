"""The refund object, as refunds of payments, releases of holds and reversals of transfers all need it."""

from stripe_sandbox.ids import new_id, token
from stripe_sandbox.sandbox import Sandbox
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


def release_refund(box: Sandbox, charge: Doc, amount: int, reason: str | None) -> None:
    """The refund that stands for a released hold: no money moved, so it has no balance transaction."""
    refund = new_refund(box, charge, amount, reason)
    refund["destination_details"]["card"]["type"] = "reversal"
    box.add("refund", refund, private(charge)["owner"])
