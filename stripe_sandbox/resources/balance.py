"""Balances and balance transactions."""

from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc


@route("GET", "/v1/balance", "BalanceRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """The balance of the acting account."""
    return box.ledger.balance(request.account)


@route("GET", "/v1/balance_transactions", "BalanceTransactionListParams")
@route("GET", "/v1/balance/history", "BalanceTransactionListParams")
def list_transactions(box: Sandbox, request: Request) -> Doc:
    """The balance transactions of the acting account, by source, type or currency; of a `payout` its own one."""
    filters: Doc = {name: request.params[name] for name in ("source", "type", "currency") if name in request.params}
    if "payout" in request.params:
        filters["source"] = request.params["payout"]
    return list_of(box, request, "balance_transaction", filters, url="/v1/balance_transactions")


@route("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams")
@route("GET", "/v1/balance/history/{id}", "BalanceTransactionRetrieveParams")
def retrieve_transaction(box: Sandbox, request: Request) -> Doc:
    """A balance transaction of the acting account."""
    return box.here("balance_transaction", request)
