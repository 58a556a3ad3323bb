"""Bank accounts that payouts go to."""

from typing import Any

from stripe_sandbox.errors import StripeError, invalid_request
from stripe_sandbox.ids import new_id, token
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import metadata
from stripe_sandbox.types import Doc, private, public

FAILING = {
    "000111111116": "no_account",
    "000111111113": "account_closed",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
}
"""Test account numbers whose payouts fail, and why."""
NO_INSTANT = "000123456780"
"""A test account number, this sandbox's own, that takes no instant payouts."""


@route("POST", "/v1/accounts/{account}/external_accounts", "AccountCreateExternalAccountParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Add a bank account."""
    account = _account(box, request)
    return add_external_account(box, account, request.params.get("external_account"), request.params)


@route("GET", "/v1/accounts/{account}/external_accounts", "AccountListExternalAccountsParams")
def list_external_accounts(box: Sandbox, request: Request) -> Doc:
    """The bank accounts of an account."""
    account = _account(box, request)
    return list_of(box, request, "bank_account", owner=account["id"])


@route("GET", "/v1/accounts/{account}/external_accounts/{id}", "AccountRetrieveExternalAccountParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """One bank account."""
    return box.need("bank_account", request.args["id"], request.args["account"])


@route("POST", "/v1/accounts/{account}/external_accounts/{id}", "AccountModifyExternalAccountParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change metadata, or make it the default."""
    account = _account(box, request)
    bank = box.need("bank_account", request.args["id"], account["id"])
    bank["metadata"] = metadata(bank["metadata"], request.get("metadata"))
    if request.get("default_for_currency"):
        _set_default(box, account, bank)
    box.save("bank_account", bank)
    refresh_external_accounts(box, account)
    box.save("account", account)
    box.emit("account.external_account.updated", bank, owner=account["id"])
    return bank


@route("DELETE", "/v1/accounts/{account}/external_accounts/{id}")
def delete(box: Sandbox, request: Request) -> Doc:
    """Remove a bank account that is not the default."""
    account = _account(box, request)
    bank = box.need("bank_account", request.args["id"], account["id"])
    if bank["default_for_currency"]:
        raise invalid_request(
            "You cannot delete the default external account for your default currency. Please make another external "
            "account the default using the `default_for_currency` param, and then delete this one."
        )
    box.store.delete("bank_account", bank["id"])
    refresh_external_accounts(box, account)
    box.save("account", account)
    box.emit("account.external_account.deleted", bank, owner=account["id"])
    return {"id": bank["id"], "object": "bank_account", "currency": bank["currency"], "deleted": True}


def add_external_account(
    box: Sandbox, account: Doc, given: Any, extra: Doc | None = None, *, instant: bool = True
) -> Doc:
    """A new bank account from a hash or a test token (btok_us_verified, btok_…); the first one is the default."""
    number = "000123456789"
    currency, country, holder = account["default_currency"], account["country"], None
    if isinstance(given, dict):
        if given.get("object", "bank_account") != "bank_account":
            raise invalid_request(
                "This sandbox knows external accounts of type bank_account only.", None, "external_account"
            )
        number = given.get("account_number", number)
        currency, country = given.get("currency", currency), given.get("country", country)
        holder = given.get("account_holder_name")
    elif not str(given).startswith("btok"):
        raise invalid_request(f"No such token: '{given}'", "resource_missing", "external_account")
    if not number.isdigit():
        raise invalid_request("Invalid account number.", "account_number_invalid", "external_account[account_number]")
    existing = account["external_accounts"]["data"]
    bank: Doc = {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": holder,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard", "instant"] if instant and number != NO_INSTANT else ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": country,
        "currency": currency,
        "default_for_currency": not any(other["currency"] == currency for other in existing),
        "fingerprint": token(16),
        "future_requirements": _no_requirements(),
        "last4": number[-4:],
        "metadata": metadata(None, (extra or {}).get("metadata")),
        "requirements": _no_requirements(),
        "routing_number": "110000000",
        "status": "new",
    }
    private(bank)["number"] = number
    box.add("bank_account", bank, account["id"])
    if (extra or {}).get("default_for_currency"):
        _set_default(box, account, bank)
        box.save("bank_account", bank)
    refresh_external_accounts(box, account)
    box.save("account", account)
    box.emit("account.external_account.created", bank, owner=account["id"])
    return bank


def refresh_external_accounts(box: Sandbox, account: Doc) -> None:
    """Show an account's bank accounts inside it."""
    banks = [public(bank) for bank in reversed(box.store.find("bank_account", account=account["id"]))]
    account["external_accounts"]["data"] = banks[:10]
    account["external_accounts"]["has_more"] = len(banks) > 10


def _set_default(box: Sandbox, account: Doc, bank: Doc) -> None:
    for other in box.store.find("bank_account", account=account["id"]):
        if other["currency"] == bank["currency"] and other["default_for_currency"]:
            other["default_for_currency"] = False
            box.save("bank_account", other)
    bank["default_for_currency"] = True


def _account(box: Sandbox, request: Request) -> Doc:
    account = box.store.get("account", request.args["account"])
    if account is None:
        raise StripeError(
            403,
            "invalid_request_error",
            f"No such account: '{request.args['account']}', or the key has no access to it.",
            code="account_invalid",
        )
    return account


def _no_requirements() -> Doc:
    return {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []}
