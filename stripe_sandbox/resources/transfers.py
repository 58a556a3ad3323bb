"""Transfers to connected accounts."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.charges import destination_payment
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_currency, check_positive, metadata, money
from stripe_sandbox.types import Doc, private


@route("POST", "/v1/transfers", "TransferCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Transfer from the platform's available balance, or out of a charge's funds with `source_transaction`.

    A connected account transfers to the platform alone.
    """
    params = request.params
    currency = check_currency(params["currency"])
    if request.account == box.platform:
        need_destination(box, params["destination"], "destination")
    elif params["destination"] != box.platform:
        raise invalid_request(f"No such destination: '{params['destination']}'", "resource_missing", "destination")
    source = params.get("source_transaction")
    group = params.get("transfer_group")
    available_on = 0
    if source:
        charge = box.need("charge", source, request.account, "source_transaction")
        amount = check_positive(params["amount"] if "amount" in params else charge["amount_captured"])
        _check_source(box, charge, amount, currency)
        group = group or charge["transfer_group"] or f"group_{charge['id']}"
        if not charge["transfer_group"]:
            box.change("charge", charge, {"transfer_group": group})
        transaction = box.store.get("balance_transaction", charge["balance_transaction"])
        available_on = transaction["available_on"] if transaction else 0
    else:
        if "amount" not in params:
            raise invalid_request("Missing required param: amount.", "parameter_missing", "amount")
        amount = check_positive(params["amount"])
        if amount > box.ledger.available(request.account, currency):
            raise invalid_request(
                "You have insufficient available funds in your Stripe account. Try adding funds directly to your "
                "available balance by creating Charges using the 4000000000000077 test card. See: "
                "https://stripe.com/docs/testing#available-balance",
                "balance_insufficient",
            )
    transfer = new_transfer(box, amount, currency, params["destination"], group, source)
    transfer["description"] = params.get("description")
    transfer["metadata"] = metadata(None, params.get("metadata"))
    payment = destination_payment(box, transfer, params["destination"])
    posting = Posting("transfer", transfer["id"], currency)
    out = box.ledger.transact(
        posting,
        request.account,
        "transfer",
        -amount,
        source=transfer["id"],
        available_on=available_on,
        description=transfer["description"],
    )
    into = box.ledger.transact(
        posting, params["destination"], "payment", amount, source=payment["id"], available_on=available_on
    )
    payment["balance_transaction"] = into["id"]
    transfer.update({"balance_transaction": out["id"], "destination_payment": payment["id"]})
    private(transfer)["available_on"] = available_on
    box.add("transfer", transfer, request.account)
    box.add("charge", payment, params["destination"])
    box.ledger.post(posting)
    box.emit("transfer.created", transfer)
    return transfer


@route("GET", "/v1/transfers", "TransferListParams")
def list_transfers(box: Sandbox, request: Request) -> Doc:
    """List transfers to an account or of a group."""
    return list_of(box, request, "transfer", ("destination", "transfer_group"))


@route("GET", "/v1/transfers/{id}", "TransferRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A transfer."""
    return box.here("transfer", request)


@route("POST", "/v1/transfers/{id}", "TransferUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change metadata or description."""
    transfer = box.here("transfer", request)
    changes: Doc = {}
    if "description" in request.params:
        changes["description"] = request.params["description"] or None
    if "metadata" in request.params:
        changes["metadata"] = metadata(transfer["metadata"], request.params["metadata"])
    box.change("transfer", transfer, changes, "transfer.updated")
    return transfer


def need_destination(box: Sandbox, id: str, param: str) -> Doc:
    """The connected account money is to go to. Raises 400 when there is none, or when it cannot take transfers."""
    account = box.store.get("account", id)
    if account is None or id == box.platform:
        raise invalid_request(f"No such destination: '{id}'", "resource_missing", param)
    if account["capabilities"].get("transfers") != "active":
        raise invalid_request(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments",
            "insufficient_capabilities_for_transfer",
            param,
        )
    return account


def new_transfer(
    box: Sandbox, amount: int, currency: str, destination: str, group: str | None, source: str | None
) -> Doc:
    """A transfer, not yet kept."""
    id = new_id("tr")
    return {
        "id": id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": box.now,
        "currency": currency,
        "description": None,
        "destination": destination,
        "livemode": False,
        "metadata": {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{id}/reversals"},
        "reversed": False,
        "source_transaction": source,
        "source_type": "card",
        "transfer_group": group,
    }


def _check_source(box: Sandbox, charge: Doc, amount: int, currency: str) -> None:
    """Raises 400 when a charge's funds do not cover one more transfer."""
    if not charge["captured"] or not charge["balance_transaction"]:
        raise invalid_request(
            f"Charge {charge['id']} has not been captured; its funds cannot be transferred.", None, "source_transaction"
        )
    if charge["currency"] != currency:
        raise invalid_request(
            "The currency of source_transaction's balance transaction must be the same as the transfer currency.",
            None,
            "currency",
        )
    used = private(charge).get("transferred", 0) + _automatic_amount(box, charge)
    if used + amount > charge["amount_captured"]:
        raise invalid_request(
            f"Transfers using this transaction as a source must not exceed the source amount of "
            f"{money(charge['amount_captured'], currency)}. (There is already a transfer of {money(used, currency)} "
            "using this source.)",
            None,
            "amount",
        )
    private(charge)["transferred"] = private(charge).get("transferred", 0) + amount
    box.save("charge", charge)


def _automatic_amount(box: Sandbox, charge: Doc) -> int:
    """What a destination charge moved by itself."""
    transfer = box.store.get("transfer", charge["transfer"]) if charge.get("transfer") else None
    return int(transfer["amount"]) if transfer else 0
