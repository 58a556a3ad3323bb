"""What happens when a payment is confirmed: approved, held, asked for 3-D Secure, or declined."""

from typing import Never

from stripe_sandbox.cards import AUTHENTICATION, GENERIC, Card, Decline
from stripe_sandbox.errors import StripeError, doc_url, invalid_request
from stripe_sandbox.request import Request
from stripe_sandbox.resources.charges import charge_for
from stripe_sandbox.resources.next_actions import next_action
from stripe_sandbox.resources.payment_methods import attach, card_behind, check_usable
from stripe_sandbox.resources.settlement import hold, settle
from stripe_sandbox.resources.transfers import need_destination
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, private, public

AUTHENTICATED: Doc = {
    "three_d_secure": {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "3ds-sandbox",
        "version": "2.2.0",
    }
}
FAILED_AUTHENTICATION = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)


def confirm_intent(box: Sandbox, request: Request, intent: Doc) -> Doc:
    """Confirm an intent whose payment method is set. Raises card_error (402), with what it left behind kept."""
    _check(box, request, intent)
    method = box.need("payment_method", intent["payment_method"], request.account, "payment_method")
    check_usable(method, intent["customer"])
    notes = private(intent)
    notes["off_session"] = bool(request.get("off_session"))
    if request.refused:
        refusal = request.refused.error
        decline = Decline(
            refusal.get("code", "card_declined"),
            refusal.get("decline_code", "generic_decline"),
            refusal.get("message", GENERIC.message),
        )
        _decline(box, intent, method, decline)
    if _needs_authentication(card_behind(method), method, notes["off_session"]):
        if notes["off_session"]:
            _decline(box, intent, method, AUTHENTICATION)
        if request.get("error_on_requires_action"):
            _decline(box, intent, method, AUTHENTICATION)
        action = next_action(box, intent, None if request.get("use_stripe_sdk") else request.get("return_url"))
        box.change(
            "payment_intent",
            intent,
            {"status": "requires_action", "next_action": action, "last_payment_error": None},
        )
        box.emit("payment_intent.requires_action", intent)
        return intent
    return charge(box, intent, method, {})


def charge(box: Sandbox, intent: Doc, method: Doc, details: Doc) -> Doc:
    """Ask the card for the money: a hold, or at once the payment. Raises card_error when it declines."""
    card = card_behind(method)
    if card.declines:
        _decline(box, intent, method, card.declines)
    if intent.get("transfer_data") and not intent["transfer_group"]:
        intent["transfer_group"] = f"group_{intent['id']}"
    made = charge_for(box, intent, method, None, details)
    intent.update({"latest_charge": made["id"], "next_action": None, "last_payment_error": None})
    _remember(box, intent, method)
    if _manual(intent):
        hold(box, intent, made, off_session=private(intent)["off_session"] and card.brand == "visa")
    else:
        settle(box, intent, made, intent["amount"], intent["application_fee_amount"], captured_later=False)
    return intent


def fail_authentication(box: Sandbox, intent: Doc) -> Doc:
    """The customer failed or refused 3-D Secure: back to requires_payment_method."""
    method = box.store.get("payment_method", intent["payment_method"]) or {}
    intent.update(
        {
            "last_payment_error": {
                "code": "payment_intent_authentication_failure",
                "doc_url": doc_url("payment_intent_authentication_failure"),
                "message": FAILED_AUTHENTICATION,
                "payment_method": public(method),
                "type": "invalid_request_error",
            },
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
    )
    box.save("payment_intent", intent)
    box.emit("payment_intent.payment_failed", intent)
    return intent


def _check(box: Sandbox, request: Request, intent: Doc) -> None:
    if not intent["payment_method"]:
        raise invalid_request(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            "payment_intent_unexpected_state",
            payment_intent=intent,
        )
    if intent.get("transfer_data"):
        need_destination(box, intent["transfer_data"]["destination"], "transfer_data[destination]")
    automatic = intent["automatic_payment_methods"]
    redirects = automatic and automatic["enabled"] and automatic["allow_redirects"] != "never"
    browser = request.publishable or request.get("use_stripe_sdk")
    if redirects and not request.get("return_url") and not browser:
        raise invalid_request(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` "
            "and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment "
            "Intents.",
            payment_intent=intent,
        )


def _needs_authentication(card: Card, method: Doc, off_session: bool) -> bool:
    if card.authentication == "until_setup":
        return not private(method).get("set_up")
    return card.authentication == "always" or (card.authentication == "on_session" and not off_session)


def _manual(intent: Doc) -> bool:
    options = (intent["payment_method_options"] or {}).get("card") or {}
    return intent["capture_method"] == "manual" or options.get("capture_method") == "manual"


def _remember(box: Sandbox, intent: Doc, method: Doc) -> None:
    """Save the card when the intent says so; one used without a customer is used up."""
    if intent["setup_future_usage"]:
        private(method)["set_up"] = True
        if intent["customer"] and not method["customer"]:
            attach(box, method, intent["customer"])
        box.save("payment_method", method)
    elif not method["customer"]:
        private(method)["spent"] = True
        box.save("payment_method", method)


def _decline(box: Sandbox, intent: Doc, method: Doc, decline: Decline) -> Never:
    """Leave a failed charge behind and raise card_error."""
    failed = charge_for(box, intent, method, decline, {})
    error: Doc = {
        "advice_code": "try_again_later",
        "charge": failed["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": doc_url(decline.code),
        "message": decline.message,
        "network_decline_code": "01",
        "payment_method": public(method),
        "type": "card_error",
    }
    intent.update(
        {
            "last_payment_error": error,
            "latest_charge": failed["id"],
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        }
    )
    box.save("payment_intent", intent)
    box.emit("charge.failed", failed)
    box.emit("payment_intent.payment_failed", intent)
    raise StripeError(
        402,
        "card_error",
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        commit=True,
        advice_code="try_again_later",
        charge=failed["id"],
        network_decline_code="01",
        payment_intent=intent,
        payment_method=method,
    )
