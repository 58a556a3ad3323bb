"""Application fees and their refunds."""

from stripe_sandbox.config import APPLICATION_ID
from stripe_sandbox.errors import invalid_request, missing
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_positive, metadata, money
from stripe_sandbox.types import Doc, private, public


@route("GET", "/v1/application_fees", "ApplicationFeeListParams")
def list_fees(box: Sandbox, request: Request) -> Doc:
    """List fees; `charge` takes the payment (py_…) on the connected account or the charge (ch_…) on the platform."""
    charge = request.get("charge")
    if not charge:
        return list_of(box, request, "application_fee")
    if charge.startswith("ch_"):
        transfer = box.store.get("transfer", box.need("charge", charge, request.account, "charge").get("transfer", ""))
        charge = transfer["destination_payment"] if transfer else charge
    return list_of(box, request, "application_fee", {"charge": charge})


@route("GET", "/v1/application_fees/{id}", "ApplicationFeeRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """An application fee."""
    return box.here("application_fee", request)


@route("POST", "/v1/application_fees/{id}/refunds", "ApplicationFeeCreateRefundParams")
def refund(box: Sandbox, request: Request) -> Doc:
    """Give a fee back to the connected account, in full or in part."""
    fee = box.here("application_fee", request)
    left = fee["amount"] - fee["amount_refunded"]
    amount = check_positive(request.get("amount", left)) if left or "amount" in request.params else 0
    if not left:
        raise invalid_request(f"Application fee {fee['id']} has already been refunded.", "fee_already_refunded")
    if amount > left:
        raise invalid_request(
            f"Refund amount ({money(amount, fee['currency'])}) is greater than unrefunded amount on fee "
            f"({money(left, fee['currency'])})",
            None,
            "amount",
        )
    posting = Posting("fee_refund", fee["id"], fee["currency"])
    made = refund_fee(box, posting, fee, amount)
    made["metadata"] = metadata(None, request.get("metadata"))
    box.save("fee_refund", made)
    box.ledger.post(posting)
    box.emit("application_fee.refunded", fee)
    return made


@route("GET", "/v1/application_fees/{id}/refunds", "ApplicationFeeListRefundsParams")
def list_refunds(box: Sandbox, request: Request) -> Doc:
    """The refunds of a fee."""
    fee = box.here("application_fee", request)
    return list_of(box, request, "fee_refund", {"fee": fee["id"]})


@route("GET", "/v1/application_fees/{id}/refunds/{refund}", "ApplicationFeeRetrieveRefundParams")
def retrieve_refund(box: Sandbox, request: Request) -> Doc:
    """One refund of a fee."""
    made = box.here("fee_refund", request, "refund")
    if made["fee"] != request.args["id"]:
        raise missing("application fee refund", made["id"], "id")
    return made


@route("POST", "/v1/application_fees/{id}/refunds/{refund}", "ApplicationFeeModifyRefundParams")
def update_refund(box: Sandbox, request: Request) -> Doc:
    """Change a fee refund's metadata."""
    made = retrieve_refund(box, request)
    box.change("fee_refund", made, {"metadata": metadata(made["metadata"], request.get("metadata"))})
    return made


def new_fee(box: Sandbox, amount: int, charge: Doc, payment: Doc, connected: str) -> Doc:
    """The fee of a destination charge, not yet kept."""
    id = new_id("fee")
    return {
        "id": id,
        "object": "application_fee",
        "account": connected,
        "amount": amount,
        "amount_refunded": 0,
        "application": APPLICATION_ID,
        "balance_transaction": None,
        "charge": payment["id"],
        "created": box.now,
        "currency": charge["currency"],
        "fee_source": {"charge": payment["id"], "type": "charge"},
        "livemode": False,
        "originating_transaction": charge["id"],
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/application_fees/{id}/refunds"},
    }


def refund_fee(box: Sandbox, posting: Posting, fee: Doc, amount: int, available_on: int = 0) -> Doc:
    """Move part of a fee back to the connected account, as part of a posting; the fee refund. No event yet."""
    platform, connected = private(fee)["owner"], fee["account"]
    refund: Doc = {
        "id": new_id("fr"),
        "object": "fee_refund",
        "amount": amount,
        "balance_transaction": None,
        "created": box.now,
        "currency": fee["currency"],
        "fee": fee["id"],
        "metadata": {},
    }
    out = box.ledger.transact(
        posting, platform, "application_fee_refund", -amount, source=refund["id"], available_on=available_on
    )
    box.ledger.transact(
        posting,
        connected,
        "adjustment",
        amount,
        source=refund["id"],
        available_on=available_on,
        description=f"Application fee refund ({fee['id']})",
    )
    refund["balance_transaction"] = out["id"]
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"] = [public(refund), *fee["refunds"]["data"]][:10]
    fee["refunds"]["has_more"] = len(fee["refunds"]["data"]) == 10
    box.add("fee_refund", refund, platform)
    box.save("application_fee", fee)
    return refund
