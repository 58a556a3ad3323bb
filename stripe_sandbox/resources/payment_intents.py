"""Payment intents."""

from typing import Any

from stripe_sandbox.errors import ParameterError, invalid_request, missing
from stripe_sandbox.ids import new_id, new_secret
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.charges import shipping
from stripe_sandbox.resources.confirmation import confirm_intent
from stripe_sandbox.resources.payment_methods import check_usable, resolve
from stripe_sandbox.resources.settlement import hold_of, release_hold, settle
from stripe_sandbox.resources.transfers import need_destination
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_amount, check_currency, metadata
from stripe_sandbox.types import Doc, public

_CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
_EDITABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_PLAIN = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_BROWSER_HIDES = ("application_fee_amount", "customer", "metadata", "on_behalf_of", "transfer_data", "transfer_group")


@route("POST", "/v1/payment_intents", "PaymentIntentCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Create an intent, and confirm it with `confirm=true`."""
    params = request.params
    currency = check_currency(params["currency"])
    amount = check_amount(params["amount"], currency)
    if not params.get("confirm"):
        for name in ("off_session", "return_url", "error_on_requires_action", "mandate_data"):
            if name in params:
                raise ParameterError(
                    f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless `confirm` is set to "
                    "true.",
                    param=name,
                )
    if "customer" in params:
        box.need("customer", params["customer"], request.account, "customer")
    id = new_id("pi")
    intent: Doc = {
        "id": id,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": params.get("application_fee_amount"),
        "automatic_payment_methods": _automatic(params),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": new_secret(id),
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": box.now,
        "currency": currency,
        "customer": params.get("customer"),
        "customer_account": None,
        "description": params.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": metadata(None, params.get("metadata")),
        "next_action": None,
        "on_behalf_of": params.get("on_behalf_of"),
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": _options(params.get("payment_method_options")),
        "payment_method_types": _types(params.get("payment_method_types")),
        "processing": None,
        "receipt_email": params.get("receipt_email"),
        "review": None,
        "setup_future_usage": params.get("setup_future_usage"),
        "shipping": shipping(params.get("shipping")),
        "source": None,
        "statement_descriptor": params.get("statement_descriptor"),
        "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": params.get("transfer_group"),
    }
    _set_destination(box, request, intent)
    _set_method(box, request, intent)
    box.add("payment_intent", intent, request.account)
    box.emit("payment_intent.created", intent)
    return confirm_intent(box, request, intent) if params.get("confirm") else intent


@route("GET", "/v1/payment_intents", "PaymentIntentListParams")
def list_intents(box: Sandbox, request: Request) -> Doc:
    """List intents, optionally of one customer."""
    return list_of(box, request, "payment_intent", ("customer",))


@route("GET", "/v1/payment_intents/{intent}", "PaymentIntentRetrieveParams", browser=True)
def retrieve(box: Sandbox, request: Request) -> Doc:
    """An intent; with a publishable key and its client secret, what a browser may see of it."""
    intent = _intent(box, request)
    if request.publishable:
        return browser_view(intent)
    return intent


@route("POST", "/v1/payment_intents/{intent}", "PaymentIntentUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change an intent before it is confirmed; metadata, description and the like at any time."""
    intent = _intent(box, request)
    params = request.params
    fixed = set(params) - {"metadata", "description", "receipt_email", "shipping", "transfer_group", "expand"}
    if fixed and intent["status"] not in _EDITABLE:
        raise invalid_request(
            f"This PaymentIntent's {sorted(fixed)[0]} could not be updated because it has a status of "
            f"{intent['status']}. You may only update the {sorted(fixed)[0]} of a PaymentIntent with one of the "
            f"following statuses: {', '.join(_EDITABLE)}.",
            "payment_intent_unexpected_state",
            sorted(fixed)[0],
            payment_intent=intent,
        )
    if "currency" in params:
        intent["currency"] = check_currency(params["currency"])
    if "amount" in params:
        intent["amount"] = check_amount(params["amount"], intent["currency"])
    if "customer" in params:
        intent["customer"] = box.need("customer", params["customer"], request.account, "customer")["id"]
    for name in _PLAIN:
        if name in params:
            intent[name] = params[name] or None
    for name in ("capture_method",):
        if name in params:
            intent[name] = params[name]
    if "metadata" in params:
        intent["metadata"] = metadata(intent["metadata"], params["metadata"])
    if "shipping" in params:
        intent["shipping"] = shipping(params["shipping"])
    if "payment_method_options" in params:
        intent["payment_method_options"] = _options(params["payment_method_options"] or None)
    if "application_fee_amount" in params:
        intent["application_fee_amount"] = params["application_fee_amount"] or None
    if fixed & {"application_fee_amount", "transfer_data", "amount"}:
        _set_destination(box, request, intent)
    if fixed & {"payment_method", "payment_method_data"}:
        _set_method(box, request, intent)
        intent["next_action"] = None
    box.save("payment_intent", intent)
    return intent


@route("POST", "/v1/payment_intents/{intent}/confirm", "PaymentIntentConfirmParams", browser=True)
def confirm(box: Sandbox, request: Request) -> Doc:
    """Confirm: authorize, charge, ask for 3-D Secure, or decline (402, and the intent can be confirmed again)."""
    intent = _intent(box, request)
    _refuse_confirm_in(intent)
    for name in ("receipt_email", "setup_future_usage"):
        if name in request.params:
            intent[name] = request.params[name] or None
    if "shipping" in request.params:
        intent["shipping"] = shipping(request.params["shipping"])
    if "payment_method_options" in request.params:
        intent["payment_method_options"] = _options(request.params["payment_method_options"])
    if "capture_method" in request.params:
        intent["capture_method"] = request.params["capture_method"]
    _set_method(box, request, intent)
    confirmed = confirm_intent(box, request, intent)
    return browser_view(confirmed) if request.publishable else confirmed


@route("POST", "/v1/payment_intents/{intent}/capture", "PaymentIntentCaptureParams")
def capture(box: Sandbox, request: Request) -> Doc:
    """Capture a hold, in full or in part; the rest is released, and the fee is no more than what was captured."""
    intent = _intent(box, request)
    if intent["status"] != "requires_capture":
        raise _not_capturable(intent)
    params = request.params
    amount: int = params["amount_to_capture"] if "amount_to_capture" in params else intent["amount_capturable"]
    if amount < 1:
        raise ParameterError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if amount > intent["amount_capturable"]:
        raise invalid_request(
            f"The amount_to_capture ({amount}) is greater than the amount that can be captured "
            f"({intent['amount_capturable']}).",
            "amount_too_large",
            "amount_to_capture",
            payment_intent=intent,
        )
    if "metadata" in params:
        intent["metadata"] = metadata(intent["metadata"], params["metadata"])
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        if name in params:
            intent[name] = params[name]
    fee = params.get("application_fee_amount", intent["application_fee_amount"])
    if fee is not None:
        if not intent.get("transfer_data"):
            raise _no_fee_without_destination()
        if "application_fee_amount" in params and fee > amount:
            raise _fee_too_large("application_fee_amount")
        fee = min(fee, amount)
    data = params.get("transfer_data") or {}
    if "amount" in data:
        intent["transfer_data"] = {**(intent.get("transfer_data") or {}), "amount": data["amount"]}
    settle(box, intent, hold_of(box, intent), amount, fee)
    return intent


@route("POST", "/v1/payment_intents/{intent}/cancel", "PaymentIntentCancelParams")
def cancel(box: Sandbox, request: Request) -> Doc:
    """Cancel an intent that has not succeeded; a hold is released."""
    intent = _intent(box, request)
    if intent["status"] not in _CANCELABLE:
        raise invalid_request(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(_CANCELABLE)}, processing.",
            "payment_intent_unexpected_state",
            payment_intent=intent,
        )
    release_hold(box, intent, request.get("cancellation_reason"))
    return intent


def browser_view(intent: Doc) -> Doc:
    """What a publishable key and the client secret may see."""
    return {name: value for name, value in public(intent).items() if name not in _BROWSER_HIDES}


def _intent(box: Sandbox, request: Request) -> Doc:
    intent = box.here("payment_intent", request, "intent")
    if request.publishable and request.get("client_secret") != intent["client_secret"]:
        raise missing("payment_intent", request.args["intent"], "intent")
    return intent


def _automatic(params: Doc) -> Doc | None:
    given = params.get("automatic_payment_methods")
    if given:
        return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given["enabled"]}
    if "payment_method_types" in params:
        return None
    return {"allow_redirects": "always", "enabled": True}


def _types(given: Any) -> list[str]:
    types: list[str] = given or ["card"]
    if types != ["card"]:
        raise invalid_request(
            "This sandbox knows the payment method type card only.",
            "payment_intent_invalid_parameter",
            "payment_method_types",
        )
    return types


def _options(given: Any) -> Doc:
    card = (given or {}).get("card") or {}
    options: Doc = {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": card.get("request_three_d_secure") or "automatic",
    }
    if card.get("capture_method") == "manual":
        options["capture_method"] = "manual"
    return {"card": options}


def _set_destination(box: Sandbox, request: Request, intent: Doc) -> None:
    """Check and keep transfer_data and the application fee."""
    given = request.get("transfer_data")
    if given:
        kept = {**(intent.get("transfer_data") or {}), **given}
        if "destination" not in kept:
            raise invalid_request(
                "Missing required param: transfer_data[destination].", "parameter_missing", "transfer_data[destination]"
            )
        need_destination(box, kept["destination"], "transfer_data[destination]")
        intent["transfer_data"] = kept
    if not intent.get("transfer_data"):
        intent.pop("transfer_data", None)
    fee, data = intent["application_fee_amount"], intent.get("transfer_data")
    if fee is not None:
        if not data:
            raise _no_fee_without_destination()
        if "amount" in data:
            raise invalid_request(
                "You may not provide the application_fee_amount parameter and the transfer_data[amount] parameter "
                "simultaneously. Please pass only one.",
                None,
                "application_fee_amount",
            )
        if fee < 0:
            raise ParameterError(
                "This value must be greater than or equal to 0.",
                code="parameter_invalid_integer",
                param="application_fee_amount",
            )
        if fee > intent["amount"]:
            raise _fee_too_large("application_fee_amount")
    if data and data.get("amount", 0) > intent["amount"]:
        raise invalid_request(
            "The transfer_data[amount] must be less than or equal to the charge amount.", None, "transfer_data[amount]"
        )


def _set_method(box: Sandbox, request: Request, intent: Doc) -> None:
    if "payment_method" in request.params:
        method = resolve(box, request.params["payment_method"], request.account, "payment_method")
    elif "payment_method_data" in request.params:
        raise invalid_request(
            "This sandbox knows the payment method type card only.", None, "payment_method_data[type]"
        )
    else:
        return
    check_usable(method, intent["customer"])
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_confirmation"


def _no_fee_without_destination() -> Exception:
    return invalid_request(
        "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an "
        "OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
        None,
        "application_fee_amount",
    )


def _fee_too_large(param: str) -> Exception:
    return invalid_request("The application fee cannot be greater than the amount of the charge.", None, param)


def _refuse_confirm_in(intent: Doc) -> None:
    status = intent["status"]
    if status in _EDITABLE:
        return
    why = (
        "it has already succeeded after being previously confirmed"
        if status == "succeeded"
        else f"it has a status of {status}"
    )
    raise invalid_request(
        f"You cannot confirm this PaymentIntent because {why}.",
        "payment_intent_unexpected_state",
        payment_intent=intent,
    )


def _not_capturable(intent: Doc) -> Exception:
    status = intent["status"]
    text = (
        f"This PaymentIntent ({intent['id']}) could not be captured because it has already been captured."
        if status == "succeeded"
        else f"This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent with "
        "one of the following statuses may be captured: requires_capture."
    )
    return invalid_request(text, "payment_intent_unexpected_state", payment_intent=intent)
