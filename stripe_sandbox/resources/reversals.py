"""Reversals of transfers: money back from a connected account."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.application_fees import refund_fee
from stripe_sandbox.resources.refund_objects import new_refund
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_positive, half_up, metadata, money
from stripe_sandbox.types import Doc, private, public


@route("POST", "/v1/transfers/{id}/reversals", "TransferCreateReversalParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Take back a transfer in full or in part; `refund_application_fee` gives the fee back in proportion."""
    transfer = box.here("transfer", request)
    amount = request.get("amount", transfer["amount"] - transfer["amount_reversed"])
    check_reversal(box, transfer, amount)
    posting = Posting("transfer_reversal", transfer["id"], transfer["currency"])
    reversal = reverse(box, posting, transfer, amount)
    reversal["metadata"] = metadata(None, request.get("metadata"))
    transfer["reversals"]["data"][0]["metadata"] = reversal["metadata"]
    box.save("transfer_reversal", reversal)
    box.save("transfer", transfer)
    fee = fee_of(box, transfer) if request.get("refund_application_fee") else None
    returned = return_fee(box, posting, transfer, fee, amount) if fee else None
    box.ledger.post(posting)
    box.emit("transfer.reversed", transfer)
    if fee and returned:
        box.emit("application_fee.refunded", fee)
    return reversal


@route("GET", "/v1/transfers/{id}/reversals", "TransferListReversalsParams")
def list_reversals(box: Sandbox, request: Request) -> Doc:
    """The reversals of a transfer."""
    transfer = box.here("transfer", request)
    return list_of(box, request, "transfer_reversal", {"transfer": transfer["id"]})


@route("GET", "/v1/transfers/{id}/reversals/{reversal}", "TransferRetrieveReversalParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """One reversal of a transfer."""
    box.here("transfer", request)
    return box.here("transfer_reversal", request, "reversal")


@route("POST", "/v1/transfers/{id}/reversals/{reversal}", "TransferModifyReversalParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a reversal's metadata."""
    transfer = box.here("transfer", request)
    reversal = box.here("transfer_reversal", request, "reversal")
    reversal["metadata"] = metadata(reversal["metadata"], request.get("metadata"))
    box.save("transfer_reversal", reversal)
    for entry in transfer["reversals"]["data"]:
        if entry["id"] == reversal["id"]:
            entry["metadata"] = reversal["metadata"]
    box.save("transfer", transfer)
    return reversal


def check_reversal(box: Sandbox, transfer: Doc, amount: int) -> None:
    """Raises 400 when a transfer cannot be reversed by this amount."""
    left = transfer["amount"] - transfer["amount_reversed"]
    currency = transfer["currency"]
    if left == 0:
        raise invalid_request(f"Transfer {transfer['id']} is already fully reversed.")
    check_positive(amount)
    if amount > left:
        raise invalid_request(
            f"Reversal amount ({money(amount, currency)}) is greater than unreversed amount on transfer "
            f"({money(left, currency)})",
            None,
            "amount",
        )
    if private(transfer).get("automatic"):
        return
    destination = transfer["destination"]
    has = box.ledger.available(destination, currency)
    if private(transfer).get("available_on", 0) > box.now:
        has += box.ledger.pending(destination, currency)
    if amount > has:
        raise invalid_request(
            f"The connected account {destination} does not have enough available funds to reverse this transfer.",
            "balance_insufficient",
            "amount",
        )


def reverse(box: Sandbox, posting: Posting, transfer: Doc, amount: int, refund: Doc | None = None) -> Doc:
    """Move money back from the connected account, as part of a posting; the reversal. No event yet."""
    platform, connected = private(transfer)["owner"], transfer["destination"]
    available_on = private(transfer).get("available_on", 0)
    payment = box.need("charge", transfer["destination_payment"], connected)
    back = new_refund(box, payment, amount, None, "pyr")
    reversal: Doc = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": box.now,
        "currency": transfer["currency"],
        "destination_payment_refund": back["id"],
        "metadata": {},
        "source_refund": refund["id"] if refund else None,
        "transfer": transfer["id"],
    }
    into = box.ledger.transact(
        posting, platform, "transfer_refund", amount, source=reversal["id"], available_on=available_on
    )
    out = box.ledger.transact(
        posting, connected, "payment_refund", -amount, source=back["id"], available_on=available_on
    )
    reversal["balance_transaction"] = into["id"]
    back.update({"balance_transaction": out["id"], "source_transfer_reversal": reversal["id"]})
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    shown = transfer["reversals"]
    shown["has_more"] = len(shown["data"]) >= 10
    shown["data"] = [public(reversal), *shown["data"]][:10]
    box.add("refund", back, connected)
    box.save("charge", payment)
    box.add("transfer_reversal", reversal, platform)
    box.save("transfer", transfer)
    return reversal


def fee_of(box: Sandbox, transfer: Doc) -> Doc | None:
    """The application fee that was taken from a transfer's payment."""
    payment = box.store.get("charge", transfer["destination_payment"])
    return (
        box.store.get("application_fee", payment["application_fee"]) if payment and payment["application_fee"] else None
    )


def return_fee(box: Sandbox, posting: Posting, transfer: Doc, fee: Doc, amount: int) -> Doc | None:
    """Give back the fee in proportion to a reversal of `amount`; the fee refund, None when nothing is left of it."""
    share = min(half_up(fee["amount"], amount, transfer["amount"]), fee["amount"] - fee["amount_refunded"])
    available_on = private(transfer).get("available_on", 0)
    return refund_fee(box, posting, fee, share, available_on) if share else None
