"""Payouts to bank accounts."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import BANK, Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.external_accounts import FAILING
from stripe_sandbox.resources.payout_schedule import plan_automatic_payout
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.schedule import task
from stripe_sandbox.shapes import check_currency, check_positive, metadata
from stripe_sandbox.types import Doc, private

_MESSAGES = {
    "no_account": "The bank account details on file are probably incorrect. No bank account could be located with "
    "those details.",
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
}


@route("POST", "/v1/payouts", "PayoutCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Pay out from the acting account's available balance; `method=instant` to a bank account that takes it."""
    params = request.params
    currency = check_currency(params["currency"])
    amount = check_positive(params["amount"])
    instant = params.get("method") == "instant"
    bank = _destination(box, request, currency)
    if instant and bank and "instant" not in bank["available_payout_methods"]:
        raise invalid_request(
            "The destination does not support instant payouts.", "instant_payouts_unsupported", "method"
        )
    available = box.ledger.available(request.account, currency)
    if amount > available:
        raise invalid_request(
            "You have insufficient funds in your Stripe account for this payout. Your card balance is too low. You can "
            "use the the /v1/balance endpoint to view your Stripe balance (for more details, see "
            "stripe.com/docs/api#balance).",
            "balance_insufficient",
        )
    payout = pay_out(box, request.account, amount, currency, bank, instant=instant)
    payout.update(
        {
            "description": params.get("description"),
            "metadata": metadata(None, params.get("metadata")),
            "statement_descriptor": params.get("statement_descriptor"),
        }
    )
    box.save("payout", payout)
    box.emit("payout.created", payout)
    return payout


@route("GET", "/v1/payouts", "PayoutListParams")
def list_payouts(box: Sandbox, request: Request) -> Doc:
    """List payouts of the acting account."""
    return list_of(box, request, "payout", ("status", "destination"))


@route("GET", "/v1/payouts/{id}", "PayoutRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A payout."""
    return box.here("payout", request)


@route("POST", "/v1/payouts/{id}", "PayoutUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a payout's metadata."""
    payout = box.here("payout", request)
    changes = {"metadata": metadata(payout["metadata"], request.get("metadata"))}
    box.change("payout", payout, changes, "payout.updated")
    return payout


@route("POST", "/v1/payouts/{id}/cancel", "PayoutCancelParams")
def cancel(box: Sandbox, request: Request) -> Doc:
    """Cancel a payout that is still pending."""
    payout = box.here("payout", request)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid_request(
            "You can only cancel payouts that have not yet been paid out, and that were not made automatically.",
            "payout_not_cancelable",
        )
    _give_back(box, payout, "payout_cancel")
    payout["status"] = "canceled"
    box.save("payout", payout)
    box.emit("payout.canceled", payout)
    return payout


def pay_out(
    box: Sandbox, owner: str, amount: int, currency: str, bank: Doc | None, *, instant: bool, automatic: bool = False
) -> Doc:
    """Take the money from the balance and send it on its way; the payout, kept. No event yet."""
    seconds = box.config.instant_payout_seconds if instant else box.config.payout_seconds
    payout: Doc = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": box.now + seconds,
        "automatic": automatic,
        "balance_transaction": None,
        "created": box.now,
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else None,
        "destination": bank["id"] if bank else None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "instant" if instant else "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    posting = Posting("payout", payout["id"], currency)
    transaction = box.ledger.transact(
        posting, owner, "payout", -amount, source=payout["id"], description=payout["description"]
    )
    posting.line(BANK, amount)
    payout["balance_transaction"] = transaction["id"]
    private(payout)["fails"] = FAILING.get(private(bank).get("number", "")) if bank else None
    box.add("payout", payout, owner)
    box.ledger.post(posting)
    box.schedule.add(payout["arrival_date"], "payout_arrives", payout["id"])
    return payout


def fail_payout(box: Sandbox, payout: Doc, code: str = "could_not_process") -> None:
    """The bank sends the money back, before or after it was paid."""
    transaction = _give_back(box, payout, "payout_failure")
    payout.update(
        {
            "failure_balance_transaction": transaction["id"],
            "failure_code": code,
            "failure_message": _MESSAGES.get(code, _MESSAGES["could_not_process"]),
            "status": "failed",
        }
    )
    box.save("payout", payout)
    box.emit("payout.failed", payout)


@task("payout_arrives")
def payout_arrives(box: Sandbox, ids: list[str]) -> None:
    """A payout reached its arrival date."""
    for id in ids:
        payout = box.store.get("payout", id)
        if payout is None or payout["status"] != "pending":
            continue
        failure = private(payout).get("fails")
        if failure:
            fail_payout(box, payout, failure)
            continue
        payout.update({"status": "paid", "trace_id": {"status": "supported", "value": payout["id"][-12:]}})
        box.save("payout", payout)
        box.emit("payout.paid", payout)


@task("automatic_payout")
def automatic_payout(box: Sandbox, ids: list[str]) -> None:
    """The schedule of an account says it is time to pay out what is available."""
    for id in ids:
        account = box.store.get("account", id)
        if account is None:
            continue
        private(account)["payout_planned"] = False
        amount = box.ledger.available(id, account["default_currency"])
        interval = account["settings"]["payouts"]["schedule"]["interval"]
        bank = _default_bank(box, id, account["default_currency"])
        if amount > 0 and interval != "manual" and account["payouts_enabled"] and bank:
            payout = pay_out(box, id, amount, account["default_currency"], bank, instant=False, automatic=True)
            box.emit("payout.created", payout)
        plan_automatic_payout(box, account)
        box.save("account", account)


def _destination(box: Sandbox, request: Request, currency: str) -> Doc | None:
    """Where a payout goes; the platform's own bank is not modelled. Raises when the account may not pay out."""
    if request.account == box.platform:
        return None
    account = box.need("account", request.account, box.platform)
    if not account["payouts_enabled"]:
        raise invalid_request(
            "Cannot create payouts: this account has requirements that are past due; payouts are disabled.",
            "payouts_not_allowed",
        )
    if "destination" in request.params:
        return box.need("bank_account", request.params["destination"], request.account, "destination")
    bank = _default_bank(box, request.account, currency)
    if bank is None:
        raise invalid_request(f"Sorry, you don't have any external accounts in that currency ({currency}).")
    return bank


def _default_bank(box: Sandbox, account: str, currency: str) -> Doc | None:
    banks = [bank for bank in box.store.find("bank_account", account=account) if bank["currency"] == currency]
    return next((bank for bank in banks if bank["default_for_currency"]), banks[0] if banks else None)


def _give_back(box: Sandbox, payout: Doc, type: str) -> Doc:
    posting = Posting(type, payout["id"], payout["currency"])
    transaction = box.ledger.transact(posting, private(payout)["owner"], type, payout["amount"], source=payout["id"])
    posting.line(BANK, -payout["amount"])
    box.ledger.post(posting)
    return transaction
