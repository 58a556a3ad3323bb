"""Refunds of payments."""

from stripe_sandbox.cards import BY_NUMBER
from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ledger import CARDS, Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.application_fees import refund_fee
from stripe_sandbox.resources.refund_objects import FAILS_AFTER, new_refund
from stripe_sandbox.resources.reversals import reverse
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_positive, half_up, metadata, money
from stripe_sandbox.types import Doc, private


@route("POST", "/v1/refunds", "RefundCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Refund a captured payment, in full or in part; transfer and application fee only when asked, in proportion."""
    charge = _charge(box, request)
    amount = _amount(request, charge)
    refund = new_refund(box, charge, amount, request.get("reason"))
    refund["metadata"] = metadata(None, request.get("metadata"))
    owner = private(charge)["owner"]
    settled = box.store.get("balance_transaction", charge["balance_transaction"]) or {}
    available_on = settled.get("available_on", 0)
    posting = Posting("refund", refund["id"], charge["currency"])
    out = box.ledger.transact(posting, owner, "refund", -amount, source=refund["id"], available_on=available_on)
    posting.line(CARDS, amount)
    refund["balance_transaction"] = out["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    transfer = _reverse(box, posting, request, charge, refund, amount)
    fee = _return_fee(box, posting, request, charge, amount, available_on)
    box.add("refund", refund, owner)
    box.save("charge", charge)
    box.ledger.post(posting)
    if BY_NUMBER[private(charge)["number"]].refund_fails:
        box.schedule.add(box.now + FAILS_AFTER, "refund_comes_back", refund["id"])
    box.emit("refund.created", refund)
    box.emit("charge.refunded", charge)
    if transfer:
        box.emit("transfer.reversed", transfer)
    if fee:
        box.emit("application_fee.refunded", fee)
    return refund


@route("GET", "/v1/refunds", "RefundListParams")
def list_refunds(box: Sandbox, request: Request) -> Doc:
    """List refunds of a charge or an intent."""
    return list_of(box, request, "refund", ("charge", "payment_intent"))


@route("GET", "/v1/refunds/{id}", "RefundRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A refund (re_…), or the refund (pyr_…) of a payment on the acting account."""
    return box.here("refund", request)


@route("POST", "/v1/refunds/{id}", "RefundUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a refund's metadata."""
    refund = box.here("refund", request)
    changes = {"metadata": metadata(refund["metadata"], request.get("metadata"))}
    box.change("refund", refund, changes, "refund.updated")
    return refund


def _charge(box: Sandbox, request: Request) -> Doc:
    """The charge to refund. Raises 400 when there is none, or it is disputed or refunded."""
    params = request.params
    if "charge" in params:
        charge = box.need("charge", params["charge"], request.account, "charge")
    elif "payment_intent" in params:
        intent = box.need("payment_intent", params["payment_intent"], request.account, "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid_request(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                "payment_intent_unexpected_state",
                "payment_intent",
            )
        charge = box.need("charge", intent["latest_charge"], request.account, "payment_intent")
    else:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge.",
            "parameter_missing",
        )
    if not charge["captured"] or not charge["paid"] or charge["source_transfer"]:
        raise invalid_request(
            f"Charge {charge['id']} has no captured payment to refund; cancel its PaymentIntent instead.",
            "charge_not_refundable",
            "charge",
        )
    if charge["disputed"] and not private(charge).get("refundable"):
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed", "charge"
        )
    if charge["refunded"] or charge["amount"] == charge["amount_refunded"]:
        raise invalid_request(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded", "charge")
    return charge


def _amount(request: Request, charge: Doc) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    amount = check_positive(request.get("amount", left))
    if amount > left:
        raise invalid_request(
            f"Refund amount ({money(amount, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({money(left, charge['currency'])})",
            None,
            "amount",
        )
    return amount


def _reverse(box: Sandbox, posting: Posting, request: Request, charge: Doc, refund: Doc, amount: int) -> Doc | None:
    """Reverse the charge's transfer in proportion, when asked; the transfer."""
    if not request.get("reverse_transfer"):
        return None
    transfer = box.store.get("transfer", charge.get("transfer", ""))
    if transfer is None:
        raise invalid_request(
            "Cannot reverse transfer on charge: it does not have an associated transfer.", None, "reverse_transfer"
        )
    left = transfer["amount"] - transfer["amount_reversed"]
    share = half_up(transfer["amount"], amount, charge["amount_captured"])
    if left == 0:
        raise invalid_request(f"Transfer {transfer['id']} is already fully reversed.")
    if share > left + 1:
        raise invalid_request(
            f"Reversal amount ({money(share, charge['currency'])}) is greater than unreversed amount on transfer "
            f"({money(left, charge['currency'])})",
            None,
            "reverse_transfer",
        )
    reversal = reverse(box, posting, transfer, min(share, left), refund)
    refund["transfer_reversal"] = reversal["id"]
    return transfer


def _return_fee(
    box: Sandbox, posting: Posting, request: Request, charge: Doc, amount: int, available_on: int
) -> Doc | None:
    """Give back the application fee in proportion, when asked; the fee, None when nothing of it moved."""
    if not request.get("refund_application_fee"):
        return None
    if not charge["application_fee"]:
        raise invalid_request(
            "You cannot refund the application fee of a charge that has none.", None, "refund_application_fee"
        )
    fee = box.need("application_fee", charge["application_fee"], private(charge)["owner"])
    left = fee["amount"] - fee["amount_refunded"]
    share = min(half_up(fee["amount"], amount, charge["amount_captured"]), left)
    if not share:
        return None
    refund_fee(box, posting, fee, share, available_on)
    return fee
