"""Payment methods: cards, and the `pm_card_…` test ids that become one when they are used."""

from datetime import UTC, datetime

from stripe_sandbox.cards import BY_NUMBER, PAYMENT_METHODS, TOKENS, Card, card_of
from stripe_sandbox.errors import StripeError, invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import billing_details, metadata
from stripe_sandbox.types import Doc, private

REUSE = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first."
)


@route("POST", "/v1/payment_methods", "PaymentMethodCreateParams", browser=True)
def create(box: Sandbox, request: Request) -> Doc:
    """Create a card from a test number or a test token."""
    kind = request.get("type", "card")
    if kind != "card" or not isinstance(request.get("card"), dict):
        raise invalid_request("This sandbox knows payment methods of type card only.", param="type")
    return from_data(box, request.params, request.account)


@route("GET", "/v1/payment_methods", "PaymentMethodListParams")
def list_payment_methods(box: Sandbox, request: Request) -> Doc:
    """List payment methods, usually of one customer."""
    if "customer" in request.params:
        box.need("customer", request.params["customer"], request.account, "customer")
    if request.get("type", "card") != "card":
        return {"object": "list", "data": [], "has_more": False, "url": request.path}
    return list_of(box, request, "payment_method", ("customer",))


@route("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A payment method."""
    if request.args["id"] in PAYMENT_METHODS:
        return resolve(box, request.args["id"], request.account, "payment_method")
    return box.here("payment_method", request)


@route("POST", "/v1/payment_methods/{id}", "PaymentMethodUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change billing details, expiry or metadata."""
    method = box.here("payment_method", request)
    changes: Doc = {}
    if "billing_details" in request.params:
        changes["billing_details"] = billing_details({**method["billing_details"], **request.params["billing_details"]})
    card = request.get("card")
    if isinstance(card, dict):
        expiry = {name: card[name] for name in ("exp_month", "exp_year") if name in card}
        changes["card"] = {**method["card"], **expiry}
    if "metadata" in request.params:
        changes["metadata"] = metadata(method["metadata"], request.params["metadata"])
    if "allow_redisplay" in request.params:
        changes["allow_redisplay"] = request.params["allow_redisplay"]
    box.change("payment_method", method, changes, "payment_method.updated")
    return method


@route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams")
def attach_route(box: Sandbox, request: Request) -> Doc:
    """Attach a payment method to a customer; a card that its issuer refuses outright is not attached."""
    customer = box.need("customer", request.get("customer"), request.account, "customer")
    method = resolve(box, request.args["id"], request.account, "")
    return attach(box, method, customer["id"])


@route("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach_route(box: Sandbox, request: Request) -> Doc:
    """Detach a payment method for good."""
    method = box.here("payment_method", request)
    if method["customer"] is None:
        raise invalid_request(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            "payment_method_unexpected_state",
        )
    return detach(box, method)


def resolve(box: Sandbox, id: str, owner: str, param: str) -> Doc:
    """The payment method of an id; a test id (pm_card_visa) becomes a new one. Raises resource_missing."""
    number = PAYMENT_METHODS.get(id)
    if number:
        return build(box, BY_NUMBER[number], owner)
    return box.need("payment_method", id, owner, param)


def from_data(box: Sandbox, data: Doc, owner: str) -> Doc:
    """A new card from a body with card, billing_details and metadata. Raises card_error for numbers that are none."""
    given = data["card"]
    if "token" in given:
        number = TOKENS.get(given["token"])
        if number is None:
            raise invalid_request(f"No such token: '{given['token']}'", "resource_missing", "card[token]")
        card = BY_NUMBER[number]
    else:
        for name in ("number", "exp_month", "exp_year"):
            if name not in given:
                raise invalid_request(f"Missing required param: card[{name}].", "parameter_missing", f"card[{name}]")
        card = card_of(given["number"])
    today = datetime.fromtimestamp(box.now, UTC)
    month, year = given.get("exp_month", 12), given.get("exp_year", today.year + 4)
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12:
        raise StripeError(
            402,
            "card_error",
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param="exp_month",
        )
    if (year, month) < (today.year, today.month) or year > today.year + 50:
        raise StripeError(
            402,
            "card_error",
            "Your card's expiration year is invalid.",
            code="invalid_expiry_year",
            param="exp_year",
        )
    method = build(
        box, card, owner, month=month, year=year, billing=data.get("billing_details"), notes=data.get("metadata")
    )
    method["card"]["checks"]["cvc_check"] = "unchecked" if given.get("cvc") else None
    if data.get("allow_redisplay"):
        method["allow_redisplay"] = data["allow_redisplay"]
    box.save("payment_method", method)
    return method


def build(
    box: Sandbox,
    card: Card,
    owner: str,
    *,
    month: int = 12,
    year: int | None = None,
    billing: Doc | None = None,
    notes: Doc | None = None,
) -> Doc:
    """A new payment method with a test card."""
    method: Doc = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(billing),
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
            "country": card.country,
            "display_brand": "american_express" if card.brand == "amex" else card.brand,
            "exp_month": month,
            "exp_year": year or datetime.fromtimestamp(box.now, UTC).year + 4,
            "fingerprint": f"sandbox{card.number[:4]}{card.last4}",
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": box.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata(None, notes),
        "radar_options": {},
        "type": "card",
    }
    private(method)["number"] = card.number
    return box.add("payment_method", method, owner)


def card_behind(method: Doc) -> Card:
    """The test card of a payment method."""
    return BY_NUMBER[private(method)["number"]]


def attach(box: Sandbox, method: Doc, customer: str) -> Doc:
    """Attach to a customer. Raises card_error when the issuer refuses the card, 400 when it is someone else's."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise invalid_request(
            "The payment method you provided has already been attached to a customer.",
            "payment_method_already_attached",
        )
    if private(method).get("spent"):
        raise invalid_request(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
        )
    decline = card_behind(method).declines
    if decline and not card_behind(method).saves:
        raise StripeError(402, "card_error", decline.message, code=decline.code, decline_code=decline.decline_code)
    method["customer"] = customer
    method["card"]["checks"]["cvc_check"] = "pass"
    box.save("payment_method", method)
    box.emit("payment_method.attached", method)
    return method


def detach(box: Sandbox, method: Doc) -> Doc:
    """Detach from its customer; it cannot be used again."""
    customer = box.store.get("customer", method["customer"])
    private(method)["spent"] = True
    box.change("payment_method", method, {"customer": None})
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        box.save("customer", customer)
    box.emit("payment_method.detached", method, previous={"customer": customer["id"] if customer else None})
    return method


def detach_all(box: Sandbox, customer: str) -> None:
    """Detach everything a customer has."""
    for method in box.store.find("payment_method", customer=customer):
        detach(box, method)


def check_usable(method: Doc, customer: str | None) -> None:
    """Raises 400 when a payment method may not be used for a payment of this customer."""
    if private(method).get("spent") or (method["customer"] and customer is None):
        raise invalid_request(REUSE, "payment_method_unexpected_state", "payment_method")
    if method["customer"] and method["customer"] != customer:
        raise invalid_request(
            f"The PaymentMethod {method['id']} does not belong to the Customer {customer} you supplied. You can only "
            "use this PaymentMethod with the Customer it is attached to.",
            None,
            "payment_method",
        )
