"""Setup intents: a card saved for later."""

from typing import Never

from stripe_sandbox.cards import Decline
from stripe_sandbox.errors import StripeError, doc_url, invalid_request, missing
from stripe_sandbox.ids import new_id, new_secret
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.confirmation import FAILED_AUTHENTICATION
from stripe_sandbox.resources.next_actions import next_action
from stripe_sandbox.resources.payment_methods import attach, card_behind, check_usable, resolve
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import metadata
from stripe_sandbox.types import Doc, private, public

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/setup_intents", "SetupIntentCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Create a setup intent, and confirm it with `confirm=true`."""
    params = request.params
    if "customer" in params:
        box.need("customer", params["customer"], request.account, "customer")
    if params.get("payment_method_types", ["card"]) != ["card"]:
        raise invalid_request("This sandbox knows the payment method type card only.", None, "payment_method_types")
    id = new_id("seti")
    intent: Doc = {
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": _automatic(params),
        "cancellation_reason": None,
        "client_secret": new_secret(id),
        "created": box.now,
        "customer": params.get("customer"),
        "customer_account": None,
        "description": params.get("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": metadata(None, params.get("metadata")),
        "next_action": None,
        "on_behalf_of": params.get("on_behalf_of"),
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    _set_method(box, request, intent)
    box.add("setup_intent", intent, request.account)
    box.emit("setup_intent.created", intent)
    return _confirm(box, request, intent) if params.get("confirm") else intent


@route("GET", "/v1/setup_intents", "SetupIntentListParams")
def list_intents(box: Sandbox, request: Request) -> Doc:
    """List setup intents of a customer or a payment method."""
    return list_of(box, request, "setup_intent", ("customer", "payment_method"))


@route("GET", "/v1/setup_intents/{intent}", "SetupIntentRetrieveParams", browser=True)
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A setup intent."""
    intent = _intent(box, request)
    return browser_view(intent) if request.publishable else intent


@route("POST", "/v1/setup_intents/{intent}", "SetupIntentUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a setup intent."""
    intent = _intent(box, request)
    params = request.params
    if set(params) - {"metadata", "description", "expand"} and intent["status"] not in _OPEN:
        raise _unexpected(intent, "update")
    if "customer" in params:
        intent["customer"] = box.need("customer", params["customer"], request.account, "customer")["id"]
    if "description" in params:
        intent["description"] = params["description"] or None
    if "metadata" in params:
        intent["metadata"] = metadata(intent["metadata"], params["metadata"])
    _set_method(box, request, intent)
    box.save("setup_intent", intent)
    return intent


@route("POST", "/v1/setup_intents/{intent}/confirm", "SetupIntentConfirmParams", browser=True)
def confirm(box: Sandbox, request: Request) -> Doc:
    """Confirm: the card is saved, asked for 3-D Secure, or declined (402)."""
    intent = _intent(box, request)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "confirm")
    _set_method(box, request, intent)
    confirmed = _confirm(box, request, intent)
    return browser_view(confirmed) if request.publishable else confirmed


@route("POST", "/v1/setup_intents/{intent}/cancel", "SetupIntentCancelParams")
def cancel(box: Sandbox, request: Request) -> Doc:
    """Cancel a setup intent that has not succeeded."""
    intent = _intent(box, request)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "cancel")
    changes = {"cancellation_reason": request.get("cancellation_reason"), "next_action": None, "status": "canceled"}
    box.change("setup_intent", intent, changes)
    box.emit("setup_intent.canceled", intent)
    return intent


@route("GET", "/v1/setup_attempts", "SetupAttemptListParams")
def list_attempts(box: Sandbox, request: Request) -> Doc:
    """The attempts of a setup intent."""
    return list_of(box, request, "setup_attempt", ("setup_intent",))


def succeed(box: Sandbox, intent: Doc) -> Doc:
    """The card is saved: attached to the customer, ready for payments without the customer."""
    method = box.need("payment_method", intent["payment_method"], private(intent)["owner"], "payment_method")
    if intent["usage"] == "off_session":
        private(method)["set_up"] = True
    box.save("payment_method", method)
    if intent["customer"]:
        attach(box, method, intent["customer"])
    _attempt(box, intent, method, "succeeded", None)
    intent.update({"last_setup_error": None, "next_action": None, "status": "succeeded"})
    box.save("setup_intent", intent)
    box.emit("setup_intent.succeeded", intent)
    return intent


def fail_authentication(box: Sandbox, intent: Doc) -> Doc:
    """The customer failed or refused 3-D Secure: back to requires_payment_method."""
    method = box.need("payment_method", intent["payment_method"], private(intent)["owner"], "payment_method")
    error = {
        "code": "setup_intent_authentication_failure",
        "doc_url": doc_url("setup_intent_authentication_failure"),
        "message": FAILED_AUTHENTICATION,
        "payment_method": public(method),
        "type": "invalid_request_error",
    }
    _fail(box, intent, method, error)
    return intent


def browser_view(intent: Doc) -> Doc:
    """What a publishable key and the client secret may see."""
    hidden = ("customer", "metadata", "on_behalf_of", "application")
    return {name: value for name, value in public(intent).items() if name not in hidden}


def _automatic(params: Doc) -> Doc | None:
    given = params.get("automatic_payment_methods") or (None if "payment_method_types" in params else {"enabled": True})
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given["enabled"]} if given else None


def _confirm(box: Sandbox, request: Request, intent: Doc) -> Doc:
    if not intent["payment_method"]:
        raise invalid_request(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            "setup_intent_unexpected_state",
            setup_intent=intent,
        )
    method = box.need("payment_method", intent["payment_method"], request.account, "payment_method")
    if method["customer"] or private(method).get("spent"):
        check_usable(method, intent["customer"])
    card = card_behind(method)
    if request.refused:
        refusal = request.refused.error
        code, message = refusal.get("code", "card_declined"), refusal["message"]
        _decline(box, intent, method, Decline(code, refusal.get("decline_code", "generic_decline"), message))
    if card.declines and not card.saves:
        _decline(box, intent, method, card.declines)
    if card.authentication in ("always", "until_setup") and not private(method).get("set_up"):
        action = next_action(box, intent, None if request.get("use_stripe_sdk") else request.get("return_url"))
        changes = {"last_setup_error": None, "next_action": action, "status": "requires_action"}
        box.change("setup_intent", intent, changes)
        box.emit("setup_intent.requires_action", intent)
        return intent
    return succeed(box, intent)


def _decline(box: Sandbox, intent: Doc, method: Doc, decline: Decline) -> Never:
    error = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": doc_url(decline.code),
        "message": decline.message,
        "payment_method": public(method),
        "type": "card_error",
    }
    _fail(box, intent, method, error)
    raise StripeError(
        402,
        "card_error",
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        commit=True,
        payment_method=method,
        setup_intent=intent,
    )


def _fail(box: Sandbox, intent: Doc, method: Doc, error: Doc) -> None:
    _attempt(box, intent, method, "failed", error)
    intent.update(
        {
            "last_setup_error": error,
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
    )
    box.save("setup_intent", intent)
    box.emit("setup_intent.setup_failed", intent)


def _attempt(box: Sandbox, intent: Doc, method: Doc, status: str, error: Doc | None) -> None:
    card = method["card"]
    attempt: Doc = {
        "id": new_id("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": box.now,
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": intent["on_behalf_of"],
        "payment_method": method["id"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": card["country"],
                "exp_month": card["exp_month"],
                "exp_year": card["exp_year"],
                "fingerprint": card["fingerprint"],
                "funding": card["funding"],
                "last4": card["last4"],
                "network": card["brand"],
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "setup_error": error,
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }
    box.add("setup_attempt", attempt, private(intent)["owner"])
    intent["latest_attempt"] = attempt["id"]


def _intent(box: Sandbox, request: Request) -> Doc:
    intent = box.here("setup_intent", request, "intent")
    if request.publishable and request.get("client_secret") != intent["client_secret"]:
        raise missing("setupintent", request.args["intent"], "intent")
    return intent


def _set_method(box: Sandbox, request: Request, intent: Doc) -> None:
    if "payment_method" in request.params:
        method = resolve(box, request.params["payment_method"], request.account, "payment_method")
    elif "payment_method_data" in request.params:
        raise invalid_request(
            "This sandbox knows the payment method type card only.", None, "payment_method_data[type]"
        )
    else:
        return
    intent.update({"payment_method": method["id"], "status": "requires_confirmation"})


def _unexpected(intent: Doc, verb: str) -> StripeError:
    return invalid_request(
        f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}.",
        "setup_intent_unexpected_state",
        setup_intent=intent,
    )
