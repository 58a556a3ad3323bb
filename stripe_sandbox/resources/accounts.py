"""Connected accounts, and the platform's own."""

from typing import Any

from stripe_sandbox.errors import StripeError, invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.lists import list_of
from stripe_sandbox.params import field_names
from stripe_sandbox.request import Request
from stripe_sandbox.resources.account_shapes import (
    controller,
    individual,
    new_settings,
    no_requirements,
    requirements,
)
from stripe_sandbox.resources.external_accounts import add_external_account, refresh_external_accounts
from stripe_sandbox.resources.payout_schedule import plan_automatic_payout
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import address, metadata
from stripe_sandbox.types import Doc, private

_PROFILE = ("mcc", "name", "product_description", "support_email", "support_phone", "support_url", "url")


@route("GET", "/v1/account", "AccountRetrieveParams")
def retrieve_own(box: Sandbox, request: Request) -> Doc:
    """The account the call acts for."""
    if request.account == box.platform:
        return platform_account(box)
    return box.need("account", request.account, box.platform)


@route("POST", "/v1/accounts", "AccountCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Create a connected account; charges and payouts are off until it was onboarded."""
    params = request.params
    kind = params.get("type") or ("none" if params.get("controller") else "standard")
    wanted = _requested(params.get("capabilities"))
    account: Doc = {
        "id": new_id("acct"),
        "object": "account",
        "business_profile": _profile(params.get("business_profile"), None),
        "business_type": params.get("business_type"),
        "capabilities": dict.fromkeys(wanted, "inactive"),
        "charges_enabled": False,
        "controller": controller(kind, params.get("controller")),
        "country": params.get("country", box.config.country),
        "created": box.now,
        "default_currency": params.get("default_currency", box.config.currency),
        "details_submitted": False,
        "email": params.get("email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
        "future_requirements": no_requirements(),
        "groups": None,
        "metadata": metadata(None, params.get("metadata")),
        "payouts_enabled": False,
        "requirements": requirements(),
        "settings": new_settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": kind,
    }
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    _set_settings(account, params.get("settings"))
    private(account)["requested_at"] = dict.fromkeys(wanted, box.now)
    if isinstance(params.get("individual"), dict):
        account["individual"] = individual(account, params["individual"], box.now)
    box.add("account", account, box.platform)
    if "external_account" in params:
        add_external_account(box, account, params["external_account"])
    plan_automatic_payout(box, account)
    box.emit("account.updated", account, owner=account["id"], previous={})
    return account


@route("GET", "/v1/accounts", "AccountListParams")
def list_accounts(box: Sandbox, request: Request) -> Doc:
    """List connected accounts."""
    return list_of(box, request, "account", owner=box.platform)


@route("GET", "/v1/accounts/{account}", "AccountRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A connected account, or the platform's own."""
    if request.args["account"] == box.platform:
        return platform_account(box)
    return need_account(box, request.args["account"])


@route("POST", "/v1/accounts/{account}", "AccountUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a connected account."""
    account = need_account(box, request.args["account"])
    params = request.params
    before = {name: account.get(name) for name in params if name in account}
    before["settings"] = {**account["settings"]}
    for name in ("business_type", "email", "default_currency"):
        if name in params:
            account[name] = params[name]
    if "business_profile" in params:
        account["business_profile"] = _profile(params["business_profile"], account["business_profile"])
    if "metadata" in params:
        account["metadata"] = metadata(account["metadata"], params["metadata"])
    if "individual" in params:
        account["individual"] = individual(account, params["individual"], box.now)
    if "capabilities" in params:
        for name in _requested(params["capabilities"]):
            account["capabilities"].setdefault(name, "active" if account["details_submitted"] else "inactive")
            private(account).setdefault("requested_at", {}).setdefault(name, box.now)
    _set_settings(account, params.get("settings"))
    box.save("account", account)
    if params.get("external_account"):
        add_external_account(box, account, params["external_account"])
    plan_automatic_payout(box, account)
    previous = {name: value for name, value in before.items() if account.get(name) != value}
    box.emit("account.updated", account, owner=account["id"], previous=previous)
    return account


@route("DELETE", "/v1/accounts/{account}")
def delete(box: Sandbox, request: Request) -> Doc:
    """Delete a connected account whose balances are zero."""
    account = need_account(box, request.args["account"])
    balance = box.ledger.balance(account["id"])
    if any(entry["amount"] for side in ("available", "pending") for entry in balance[side]):
        raise invalid_request("This account cannot be deleted because it has a non-zero balance.")
    box.store.delete("account", account["id"])
    return {"id": account["id"], "object": "account", "deleted": True}


@route("GET", "/v1/accounts/{account}/capabilities", "AccountListCapabilitiesParams")
def list_capabilities(box: Sandbox, request: Request) -> Doc:
    """The capabilities of an account."""
    account = need_account(box, request.args["account"])
    data = [capability(account, name) for name in account["capabilities"]]
    return {"object": "list", "data": data, "has_more": False, "url": request.path}


@route("GET", "/v1/accounts/{account}/capabilities/{capability}", "AccountRetrieveCapabilityParams")
def retrieve_capability(box: Sandbox, request: Request) -> Doc:
    """One capability of an account."""
    return capability(need_account(box, request.args["account"]), request.args["capability"])


@route("POST", "/v1/accounts/{account}/capabilities/{capability}", "AccountModifyCapabilityParams")
def update_capability(box: Sandbox, request: Request) -> Doc:
    """Request a capability, or give it up."""
    account = need_account(box, request.args["account"])
    name = request.args["capability"]
    if name not in field_names("AccountCreateParams", "capabilities"):
        raise invalid_request(f"No such capability: '{name}'", "resource_missing", "capability")
    if request.get("requested") is True:
        account["capabilities"].setdefault(name, "active" if account["details_submitted"] else "inactive")
        private(account).setdefault("requested_at", {}).setdefault(name, box.now)
    elif request.get("requested") is False:
        account["capabilities"].pop(name, None)
    box.save("account", account)
    changed = capability(account, name)
    box.emit("capability.updated", changed, owner=account["id"])
    box.emit("account.updated", account, owner=account["id"], previous={})
    return changed


@route("POST", "/v1/accounts/{account}/login_links", "AccountCreateLoginLinkParams")
def create_login_link(box: Sandbox, request: Request) -> Doc:
    """A link to an Express account's page in the sandbox."""
    account = need_account(box, request.args["account"])
    if account["controller"]["stripe_dashboard"]["type"] != "express" or not account["details_submitted"]:
        raise invalid_request("Cannot create a login link for an account that has not completed onboarding.")
    url = f"{box.config.url}/_sandbox/express/{account['id']}"
    return {"object": "login_link", "created": box.now, "url": url}


def need_account(box: Sandbox, id: str) -> Doc:
    """A connected account. Raises account_invalid (403), as Stripe does for accounts that are not yours."""
    account = box.store.get("account", id)
    if account is None:
        key = box.config.secret_key
        raise StripeError(
            403,
            "invalid_request_error",
            f"The provided key '{key[:8]}{'*' * 8}{key[-4:]}' does not have access to account '{id}' (or that account "
            "does not exist). Application access may have been revoked.",
            code="account_invalid",
        )
    return account


def capability(account: Doc, name: str) -> Doc:
    """Stripe's capability object."""
    requested_at = private(account).get("requested_at", {}).get(name)
    due = [] if account["details_submitted"] else list(account["requirements"]["currently_due"])
    needs = {**no_requirements(), "currently_due": due, "eventually_due": due, "past_due": []}
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": no_requirements(),
        "requested": requested_at is not None,
        "requested_at": requested_at,
        "requirements": needs,
        "status": account["capabilities"].get(name, "unrequested"),
    }


def complete_onboarding(box: Sandbox, account: Doc, instant: bool = True) -> None:
    """The owner has given what was asked for: everything is enabled. Adds a bank account when there is none."""
    if account["details_submitted"] and account["payouts_enabled"]:
        return
    names = ("capabilities", "charges_enabled", "details_submitted", "payouts_enabled", "requirements")
    previous = {name: account[name] for name in names}
    if not account["external_accounts"]["data"]:
        add_external_account(
            box, account, {"object": "bank_account", "account_number": "000123456789"}, instant=instant
        )
    wanted = account["capabilities"] or {"transfers": "inactive"}
    account.update(
        {
            "business_type": account["business_type"] or "individual",
            "capabilities": dict.fromkeys(wanted, "active"),
            "charges_enabled": True,
            "details_submitted": True,
            "payouts_enabled": True,
            "requirements": no_requirements(),
            "tos_acceptance": {**account["tos_acceptance"], "date": box.now, "ip": "127.0.0.1"},
        }
    )
    refresh_external_accounts(box, account)
    box.save("account", account)
    for name in account["capabilities"]:
        box.emit("capability.updated", capability(account, name), owner=account["id"], previous={"status": "inactive"})
    box.emit("account.updated", account, owner=account["id"], previous=previous)
    plan_automatic_payout(box, account)


def platform_account(box: Sandbox) -> Doc:
    """The platform's own account."""
    empty = {"object": "list", "data": [], "has_more": False, "url": f"/v1/accounts/{box.platform}/external_accounts"}
    settings = new_settings()
    settings["dashboard"]["display_name"] = "Sandbox platform"
    return {
        "id": box.platform,
        "object": "account",
        "business_profile": _profile({"name": "Sandbox platform"}, None),
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": box.config.country,
        "created": 1700000000,
        "default_currency": box.config.currency,
        "details_submitted": True,
        "email": "platform@example.com",
        "external_accounts": empty,
        "future_requirements": no_requirements(),
        "groups": None,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": no_requirements(),
        "settings": settings,
        "tos_acceptance": {"date": 1700000000},
        "type": "standard",
    }


def _requested(given: Any) -> list[str]:
    return [name for name, value in (given or {}).items() if isinstance(value, dict) and value.get("requested")]


def _profile(given: Any, current: Doc | None) -> Doc:
    profile = dict(current or {"minority_owned_business_designation": None, "support_address": None})
    given = given or {}
    for name in _PROFILE:
        profile[name] = (given[name] or None) if name in given else profile.get(name)
    if "support_address" in given:
        profile["support_address"] = address(given["support_address"])
    return profile


def _set_settings(account: Doc, given: Any) -> None:
    settings = account["settings"]
    for section, values in (given or {}).items():
        if not isinstance(values, dict):
            continue
        part = dict(settings.get(section) or {})
        for name, value in values.items():
            if section == "payouts" and name == "schedule":
                schedule = {**part["schedule"], **value}
                schedule["delay_days"] = 2 if schedule["delay_days"] == "minimum" else schedule["delay_days"]
                part["schedule"] = schedule
            elif name in part:
                part[name] = None if value == "" else value
        if section in settings:
            settings[section] = part
