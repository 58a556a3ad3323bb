"""What most tests begin with."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe


def pay(
    api: stripe.StripeClient,
    customer: stripe.Customer,
    account: stripe.Account | None = None,
    *,
    amount: int = 10000,
    card: str = "pm_card_visa",
    fee: int | None = None,
    **more: Any,
) -> stripe.PaymentIntent:
    """Charge a card; with an account as a destination charge."""
    params: dict[str, Any] = {
        "amount": amount,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": card,
        "payment_method_types": ["card"],
        "confirm": True,
        **more,
    }
    if account:
        params["transfer_data"] = {"destination": account.id}
    if fee is not None:
        params["application_fee_amount"] = fee
    return api.v1.payment_intents.create(params)  # type: ignore[arg-type]


def hold(
    api: stripe.StripeClient,
    customer: stripe.Customer,
    account: stripe.Account | None = None,
    *,
    card: str = "pm_card_visa",
    **more: Any,
) -> stripe.PaymentIntent:
    """Place a hold with a card that is saved first, unless it asks for 3-D Secure."""
    if not card.startswith("pm_card_authentication"):
        card = api.v1.payment_methods.attach(card, {"customer": customer.id}).id
    return pay(api, customer, account, card=card, capture_method="manual", **more)


def fund(api: stripe.StripeClient, customer: stripe.Customer, amount: int = 1_000_000) -> None:
    """Give the platform an available balance, less Stripe's fee, the way one does at Stripe."""
    pay(api, customer, amount=amount, card="pm_card_bypassPending")


def decline_of(call: Callable[[], object]) -> stripe.CardError:
    """The card error a call ends with."""
    with pytest.raises(stripe.CardError) as caught:
        call()
    return caught.value


def intent_in(error: stripe.StripeError) -> stripe.PaymentIntent:
    """The intent an error is about."""
    assert error.error
    assert error.error.payment_intent
    return error.error.payment_intent


def card_of(charge: stripe.Charge) -> Any:
    """The card's details on a charge."""
    assert charge.payment_method_details
    return charge.payment_method_details.card


def available(api: stripe.StripeClient, account: str | None = None) -> int:
    """The available balance in cents."""
    return sum(entry.amount for entry in _balance(api, account).available)


def pending(api: stripe.StripeClient, account: str | None = None) -> int:
    """The pending balance in cents."""
    return sum(entry.amount for entry in _balance(api, account).pending)


def _balance(api: stripe.StripeClient, account: str | None) -> stripe.Balance:
    return api.v1.balance.retrieve(options={"stripe_account": account} if account else {})
