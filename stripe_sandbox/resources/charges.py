"""Charges."""

from typing import Any

from stripe_sandbox.cards import Card, Decline
from stripe_sandbox.config import APPLICATION_ID
from stripe_sandbox.ids import new_id, token
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.payment_methods import card_behind
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import address, billing_details, metadata
from stripe_sandbox.types import Doc, private


@route("GET", "/v1/charges", "ChargeListParams")
def list_charges(box: Sandbox, request: Request) -> Doc:
    """List charges of an intent, a customer or a transfer group."""
    return list_of(box, request, "charge", ("payment_intent", "customer", "transfer_group"))


@route("GET", "/v1/charges/{id}", "ChargeRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A charge (ch_…), or the payment (py_…) a transfer made on the acting account."""
    return box.here("charge", request)


@route("POST", "/v1/charges/{id}", "ChargeUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change metadata, description, receipt e-mail or shipping."""
    charge = box.here("charge", request)
    changes: Doc = {
        name: request.params[name] or None for name in ("description", "receipt_email") if name in request.params
    }
    if "metadata" in request.params:
        changes["metadata"] = metadata(charge["metadata"], request.params["metadata"])
    if "transfer_group" in request.params:
        changes["transfer_group"] = request.params["transfer_group"]
    if "shipping" in request.params:
        changes["shipping"] = shipping(request.params["shipping"])
    box.change("charge", charge, changes, "charge.updated")
    return charge


@route("GET", "/v1/charges/{id}/refunds", "ChargeListRefundsParams")
def list_refunds(box: Sandbox, request: Request) -> Doc:
    """The refunds of a charge."""
    charge = box.here("charge", request)
    return list_of(box, request, "refund", {"charge": charge["id"]})


def shipping(given: Doc | str | None) -> Doc | None:
    """Shipping as charges and intents show it."""
    if not isinstance(given, dict):
        return None
    return {
        "address": address(given.get("address")),
        "carrier": given.get("carrier") or None,
        "name": given.get("name"),
        "phone": given.get("phone") or None,
        "tracking_number": given.get("tracking_number") or None,
    }


def charge_for(box: Sandbox, intent: Doc, method: Doc, decline: Decline | None, details: Doc) -> Doc:
    """A new charge of an intent, approved and not yet captured, or declined. `details` joins the card's details."""
    card = card_behind(method)
    charge = _blank(box, new_id("ch"), intent["amount"], intent["currency"])
    charge.update(
        {
            "application_fee_amount": intent["application_fee_amount"],
            "authorization_code": token(6).upper(),
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "customer": intent["customer"],
            "description": intent["description"],
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": intent["on_behalf_of"],
            "outcome": _outcome(decline),
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"card": _card_details(intent, method, card, decline, details), "type": "card"},
            "receipt_email": intent["receipt_email"],
            "shipping": intent["shipping"],
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "transfer_data": _transfer_data(intent),
            "transfer_group": intent["transfer_group"],
        }
    )
    if decline:
        charge.update(
            {"failure_code": decline.code, "failure_message": decline.message, "paid": False, "status": "failed"}
        )
        del charge["authorization_code"]
    else:
        charge["receipt_url"] = f"{box.config.url}/_sandbox/receipts/{charge['id']}"
    private(charge)["number"] = card.number
    return box.add("charge", charge, private(intent)["owner"])


def destination_payment(box: Sandbox, transfer: Doc, owner: str) -> Doc:
    """The payment (py_…) that a transfer makes on the connected account; not yet kept."""
    payment = _blank(box, new_id("py"), transfer["amount"], transfer["currency"])
    payment.update(
        {
            "amount_captured": transfer["amount"],
            "application": APPLICATION_ID,
            "captured": True,
            "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
            "source_transfer": transfer["id"],
        }
    )
    private(payment)["owner"] = owner
    return payment


def _blank(box: Sandbox, id: str, amount: int, currency: str) -> Doc:
    return {
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing_details(None),
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": box.now,
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _transfer_data(intent: Doc) -> Doc | None:
    data = intent.get("transfer_data")
    return {"amount": data.get("amount"), "destination": data["destination"]} if data else None


def _outcome(decline: Decline | None) -> Doc:
    outcome: dict[str, Any] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 21,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline:
        outcome.update(
            {
                "advice_code": "try_again_later",
                "network_decline_code": "01",
                "network_status": "declined_by_network",
                "reason": decline.decline_code,
                "seller_message": "The bank did not return any further details with this decline.",
                "type": "issuer_declined",
            }
        )
    return outcome


def _card_details(intent: Doc, method: Doc, card: Card, decline: Decline | None, details: Doc) -> Doc:
    shown = method["card"]
    return {
        "amount_authorized": None if decline else intent["amount"],
        "authorization_code": None if decline else token(6).upper(),
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card.country,
        "exp_month": shown["exp_month"],
        "exp_year": shown["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": shown["fingerprint"],
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": token(15),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
        **details,
    }
