"""Every call to Stripe. Nothing else in the project imports stripe.

Each POST carries an idempotency key; every request has a timeout and the pace all processes share; none is made inside a
database transaction. Answers are plain dictionaries. What can go wrong is one of two things: Stripe definitely refused
(`Declined`), or nobody knows what happened (`OutcomeUnknown`) and one must ask.
"""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings
from django.db import connection

from common import token_bucket
from common.ids import new_id

Fields = dict[str, Any]
CHARGE = ["latest_charge.balance_transaction", "latest_charge.transfer", "latest_charge.application_fee"]


class Declined(Exception):
    """Stripe definitely refused. Nothing moved. `intent` is the payment intent as it stands, when Stripe says."""

    def __init__(self, error: stripe.StripeError) -> None:
        body = error.error
        self.code = str(error.code or (body and body.type) or "refused")
        self.decline_code = str(getattr(body, "decline_code", None) or "")
        self.message = str(error.user_message or error)
        self.is_card = isinstance(error, stripe.CardError)
        intent = getattr(body, "payment_intent", None) if body else None
        self.intent: Fields | None = _plain(intent) if intent else None
        super().__init__(f"{self.code}: {self.message}")


class OutcomeUnknown(Exception):
    """No answer, or one that does not say what happened. `answered` is True for a 5xx, which Stripe stores and replays."""

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        self.answered = answered
        super().__init__(reason)


class CalledInTransaction(RuntimeError):
    """A programming error: Stripe is never called inside a database transaction (policy 9)."""


@lru_cache(maxsize=4)
def _client(key: str, base: str | None, timeout: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": base} if base else None,
        max_network_retries=0,  # retries are decided where the outcome can be looked up
        http_client=stripe.RequestsClient(timeout=timeout),
    )


def client() -> stripe.StripeClient:
    """The one client, for the configured key and address."""
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_TIMEOUT_SECONDS)


def _plain(value: Any) -> Any:
    return value._to_dict_recursive() if isinstance(value, stripe.StripeObject) else value


def _call(
    function: Callable[..., Any], *args: Any, params: Fields | None = None, key: str = "", account: str = ""
) -> Any:
    """Make one request. Raises Declined, OutcomeUnknown or CalledInTransaction."""
    if connection.in_atomic_block:
        raise CalledInTransaction("Stripe was called inside a database transaction.")
    wait = token_bucket.reserve_slot("stripe", per_second=settings.STRIPE_REQUESTS_PER_SECOND)
    if wait:
        time.sleep(min(wait, 30))
    options: Fields = {}
    if key:
        options["idempotency_key"] = key
    if account:
        options["stripe_account"] = account
    try:
        return _plain(function(*args, params=params or {}, options=options))
    except stripe.RateLimitError as error:
        raise OutcomeUnknown(f"rate limited: {error.code}") from error
    except stripe.APIConnectionError as error:
        raise OutcomeUnknown("no answer from Stripe") from error
    except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        raise Declined(error) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise OutcomeUnknown(f"Stripe does not accept our key: {type(error).__name__}") from error
    except stripe.APIError as error:
        answered = bool(error.http_status and error.http_status >= 500)
        raise OutcomeUnknown(f"Stripe answered {error.http_status}", answered=answered) from error


def _harmless_twice(function: Callable[..., Any], *args: Any, params: Fields | None = None, key: str) -> Any:
    """Create something of which a second one does no harm (a customer, a saved card, an account, never money).

    Stripe stores a 5xx under its key and replays it for a day: a new key asks again.
    """
    try:
        return _call(function, *args, params=params, key=key)
    except OutcomeUnknown as unknown:
        if not unknown.answered:
            raise
    return _call(function, *args, params=params, key=f"{key}:{new_id()}")


def ping() -> None:
    """Raises OutcomeUnknown when Stripe does not answer or does not accept our key."""
    _call(client().v1.balance.retrieve)


# --- Customers and cards ---------------------------------------------------------------------------------------------
def create_customer(*, email: str, name: str, user_id: str) -> Fields:
    return _harmless_twice(  # type: ignore[no-any-return]
        client().v1.customers.create,
        params={"email": email, "name": name, "metadata": {"user": user_id}},
        key=f"customer:{user_id}",
    )


def create_setup_intent(*, customer: str, key: str, metadata: Fields) -> Fields:
    """A SetupIntent that saves a card for off-session use (policy 4.1)."""
    return _harmless_twice(  # type: ignore[no-any-return]
        client().v1.setup_intents.create,
        params={"customer": customer, "usage": "off_session", "payment_method_types": ["card"], "metadata": metadata},
        key=key,
    )


def attach_payment_method(*, payment_method: str, customer: str, key: str) -> Fields:
    return _harmless_twice(  # type: ignore[no-any-return]
        client().v1.payment_methods.attach, payment_method, params={"customer": customer}, key=key
    )


def detach_payment_method(*, payment_method: str, key: str) -> Fields:
    return _call(client().v1.payment_methods.detach, payment_method, key=key)  # type: ignore[no-any-return]


def payment_method(payment_method_id: str) -> Fields:
    return _call(client().v1.payment_methods.retrieve, payment_method_id)  # type: ignore[no-any-return]


# --- Payment intents -------------------------------------------------------------------------------------------------
def create_intent(*, params: Fields, key: str) -> Fields:
    return _call(client().v1.payment_intents.create, params=params, key=key)  # type: ignore[no-any-return]


def confirm_intent(intent: str, *, params: Fields, key: str) -> Fields:
    return _call(  # type: ignore[no-any-return]
        client().v1.payment_intents.confirm, intent, params={**params, "expand": ["latest_charge"]}, key=key
    )


def capture_intent(intent: str, *, params: Fields, key: str) -> Fields:
    return _call(  # type: ignore[no-any-return]
        client().v1.payment_intents.capture, intent, params={**params, "expand": CHARGE}, key=key
    )


def cancel_intent(intent: str, *, params: Fields, key: str) -> Fields:
    return _call(client().v1.payment_intents.cancel, intent, params=params, key=key)  # type: ignore[no-any-return]


def intent(intent_id: str, *, with_charge: bool = True) -> Fields:
    return _call(  # type: ignore[no-any-return]
        client().v1.payment_intents.retrieve, intent_id, params={"expand": CHARGE} if with_charge else {}
    )


def intents_of(*, customer: str, created_gte: int) -> Iterator[Fields]:
    yield from pages(client().v1.payment_intents.list, {"customer": customer, "created": {"gte": created_gte}})


# --- Transfers, reversals, refunds -----------------------------------------------------------------------------------
def create_transfer(*, params: Fields, key: str, account: str = "") -> Fields:
    """From the platform's balance, or with `account` from a connected account's (to the platform)."""
    return _call(client().v1.transfers.create, params=params, key=key, account=account)  # type: ignore[no-any-return]


def transfers_from(account: str) -> Iterator[Fields]:
    """Those that a connected account made, newest first."""
    yield from pages(client().v1.transfers.list, {}, account=account)


def transfers_of(*, transfer_group: str) -> Iterator[Fields]:
    yield from pages(client().v1.transfers.list, {"transfer_group": transfer_group})


def reverse_transfer(transfer: str, *, params: Fields, key: str) -> Fields:
    return _call(client().v1.transfers.reversals.create, transfer, params=params, key=key)  # type: ignore[no-any-return]


def reversals_of(transfer: str) -> Iterator[Fields]:
    yield from pages(client().v1.transfers.reversals.list, {}, transfer)


def transfer(transfer_id: str) -> Fields:
    return _call(client().v1.transfers.retrieve, transfer_id)  # type: ignore[no-any-return]


def create_refund(*, params: Fields, key: str) -> Fields:
    return _call(  # type: ignore[no-any-return]
        client().v1.refunds.create, params={**params, "expand": ["transfer_reversal"]}, key=key
    )


def refund(refund_id: str) -> Fields:
    return _call(client().v1.refunds.retrieve, refund_id)  # type: ignore[no-any-return]


def refunds_of(intent_id: str) -> Iterator[Fields]:
    yield from pages(client().v1.refunds.list, {"payment_intent": intent_id, "expand": ["data.transfer_reversal"]})


def fee_refunds_of(application_fee: str) -> Iterator[Fields]:
    yield from pages(client().v1.application_fees.refunds.list, {}, application_fee)


# --- Prices ----------------------------------------------------------------------------------------------------------
def prices(*, product: str = "") -> Iterator[Fields]:
    """The active prices for one payment, of one product or all, each with its product."""
    params: Fields = {"active": True, "type": "one_time", "expand": ["data.product"]}
    yield from pages(client().v1.prices.list, {**params, "product": product} if product else params)


def price(price_id: str) -> Fields:
    """A price with its product. Raises Declined for one that Stripe does not know."""
    return _call(client().v1.prices.retrieve, price_id, params={"expand": ["product"]})  # type: ignore[no-any-return]


def create_product(*, name: str, description: str, prices: list[Fields], key: str) -> Fields:
    """A product with its prices, each `amount_cents`, `nickname` and `metadata` (`lessons`, `minutes`)."""
    product = _harmless_twice(client().v1.products.create, params={"name": name, "description": description}, key=key)
    for number, one in enumerate(prices):
        params = {
            "product": product["id"],
            "currency": "usd",
            "unit_amount": one["amount_cents"],
            "nickname": one["nickname"],
            "metadata": one["metadata"],
        }
        _harmless_twice(client().v1.prices.create, params=params, key=f"{key}:{number}")
    return product  # type: ignore[no-any-return]


# --- Disputes, balances, events --------------------------------------------------------------------------------------
def dispute(dispute_id: str) -> Fields:
    return _call(client().v1.disputes.retrieve, dispute_id)  # type: ignore[no-any-return]


def disputes_of(intent_id: str) -> Iterator[Fields]:
    yield from pages(client().v1.disputes.list, {"payment_intent": intent_id})


def balance_transactions(*, account: str = "", **filters: Any) -> Iterator[Fields]:
    yield from pages(client().v1.balance_transactions.list, filters, account=account)


def balance(*, account: str = "") -> Fields:
    return _call(client().v1.balance.retrieve, account=account)  # type: ignore[no-any-return]


def event(event_id: str, *, account: str = "") -> Fields:
    return _call(client().v1.events.retrieve, event_id, account=account)  # type: ignore[no-any-return]


def create_payout(*, params: Fields, account: str, key: str) -> Fields:
    return _call(client().v1.payouts.create, params=params, key=key, account=account)  # type: ignore[no-any-return]


def payouts_of(account: str) -> Iterator[Fields]:
    """The payouts of a connected account, newest first."""
    yield from pages(client().v1.payouts.list, {}, account=account)


def payout(payout_id: str, *, account: str = "") -> Fields:
    return _call(client().v1.payouts.retrieve, payout_id, account=account)  # type: ignore[no-any-return]


def pages(list_function: Callable[..., Any], params: Fields, *args: Any, account: str = "") -> Iterator[Fields]:
    """All objects of a list, page by page: bounded memory, one request a hundred."""
    after: Fields = {}
    while True:
        page = _call(list_function, *args, params={**params, "limit": 100, **after}, account=account)
        yield from page["data"]
        if not page["has_more"] or not page["data"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}


# --- Connect ---------------------------------------------------------------------------------------------------------
def create_account(*, email: str, user_id: str) -> Fields:
    """An Express account that can receive transfers."""
    return _harmless_twice(  # type: ignore[no-any-return]
        client().v1.accounts.create,
        params={
            "type": "express",
            "country": "US",
            "email": email,
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
            "metadata": {"user": user_id},
        },
        key=f"account:{user_id}",
    )


def account(account_id: str) -> Fields:
    return _call(client().v1.accounts.retrieve, account_id)  # type: ignore[no-any-return]


def platform_account() -> Fields:
    """The platform's own account."""
    return _call(client().v1.accounts.retrieve_current)  # type: ignore[no-any-return]


def create_account_link(*, account_id: str, return_url: str, refresh_url: str, key: str) -> Fields:
    return _call(  # type: ignore[no-any-return]
        client().v1.account_links.create,
        params={
            "account": account_id,
            "type": "account_onboarding",
            "return_url": return_url,
            "refresh_url": refresh_url,
        },
        key=key,
    )


def create_login_link(*, account_id: str, key: str) -> Fields:
    return _call(client().v1.accounts.login_links.create, account_id, key=key)  # type: ignore[no-any-return]


# --- Webhook endpoints -----------------------------------------------------------------------------------------------
def webhook_endpoints() -> Iterator[Fields]:
    yield from pages(client().v1.webhook_endpoints.list, {})


def create_webhook_endpoint(*, url: str, connect: bool, events: list[str], key: str) -> Fields:
    """Register where Stripe sends events. The secret is in this answer and never again."""
    return _call(  # type: ignore[no-any-return]
        client().v1.webhook_endpoints.create,
        params={
            "url": url,
            "connect": connect,
            "enabled_events": events,
            "api_version": settings.STRIPE_API_VERSION,
            "metadata": {"instainstru": "connect" if connect else "platform"},
        },
        key=key,
    )


def delete_webhook_endpoint(endpoint_id: str) -> Fields:
    return _call(client().v1.webhook_endpoints.delete, endpoint_id)  # type: ignore[no-any-return]


# --- The platform's own money ----------------------------------------------------------------------------------------
def fund(*, amount_cents: int, payment_method: str, key: str) -> Fields:
    """Charge a card of the platform's own, for the float that explicit payouts draw on."""
    return _call(  # type: ignore[no-any-return]
        client().v1.payment_intents.create,
        params={
            "amount": amount_cents,
            "currency": "usd",
            "payment_method": payment_method,
            "payment_method_types": ["card"],
            "confirm": True,
            "metadata": {"purpose": "platform_float"},
            "expand": ["latest_charge.balance_transaction"],
        },
        key=key,
    )


# --- Reading everything, to compare it with our own books ------------------------------------------------------------
RESERVES = (
    "reserved_funds",
    "reserve_transaction",
    "connect_reserved_funds",
)  # Stripe's own; they move nothing of ours


def intents() -> Iterator[Fields]:
    """Every payment intent of the platform, newest first, with a customer or without."""
    yield from pages(client().v1.payment_intents.list, {})


def page(
    what: str, *, account: str = "", after: str = "", since: int = 0, limit: int = 100
) -> tuple[list[Fields], bool]:
    """One page of a list by Stripe's name (`transfers`, `payouts`, …), newest first, and whether there are more.

    `after` is the last object seen, `since` the earliest creation in seconds.
    """
    params: Fields = {"limit": limit}
    if after:
        params["starting_after"] = after
    if since:
        params["created"] = {"gte": since}
    answer = _call(getattr(client().v1, what).list, params=params, account=account)
    return answer["data"], bool(answer["has_more"] and answer["data"])


def net_of(source: str, *, account: str = "") -> int | None:
    """What Stripe booked on an account for one object, in cents; None when it booked nothing."""
    nets = [t["net"] for t in balance_transactions(account=account, source=source) if t["type"] not in RESERVES]
    return sum(nets) if nets else None


def source_of(transaction_source: str, *, account: str = "") -> Fields:
    """The object that moved money (charge, transfer, reversal, …), as its balance transaction shows it; {} for none."""
    filters = {"source": transaction_source, "expand": ["data.source"]}
    for booked in balance_transactions(account=account, **filters):
        found = booked["source"]
        return {**found, "booked_as": booked["type"]} if isinstance(found, dict) else {"booked_as": booked["type"]}
    return {}


def balance_total(*, account: str = "") -> int:
    """Everything an account holds in cents: available, pending, and reserved for others' negative balances."""
    held = balance(account=account)
    parts = [*held["available"], *held["pending"], *(held.get("connect_reserved") or [])]
    return sum(int(part["amount"]) for part in parts)
