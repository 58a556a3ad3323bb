"""Asking for an endpoint of the schema as somebody."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from rest_framework.test import APIClient

from tests.support.contract import document

from . import account_requests, community_requests  # noqa: F401  # their rows
from .requests import ROWS, Sent
from .world import World

PREFIX = "/api/v1/"
# Doors that are not ours to ask: Stripe's, opened by a signature (tests/api/test_schema_and_webhook.py).
NOT_ASKED = {"POST payments/webhooks/stripe/webhook/{uuid}/"}


def endpoints() -> list[str]:
    """Every `METHOD path` of the schema."""
    return sorted(
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in document()["paths"].items()
        for method in methods
        if f"{method.upper()} {path.removeprefix(PREFIX)}" not in NOT_ASKED
    )


def operation_of(endpoint: str) -> dict[str, Any]:
    """What the schema says of an endpoint."""
    method, _, path = endpoint.partition(" ")
    operation: dict[str, Any] = document()["paths"][PREFIX + path][method.lower()]
    return operation


def ask(client: APIClient, endpoint: str, sent: Sent, **headers: str) -> Any:
    """The answer to a request."""
    method, _, path = endpoint.partition(" ")
    address = PREFIX + path.format(**{name: quote(_bytes(value), safe="") for name, value in sent.path.items()})
    if sent.query:
        address += "?" + urlencode([(name, _bytes(value)) for name, value in _pairs(sent.query)])
    if method == "GET":
        return client.get(address, headers={**sent.headers, **headers})
    return client.generic(
        method,
        address,
        "" if sent.body is None else json.dumps(sent.body, default=str),
        content_type="application/json",
        headers={**sent.headers, **headers},
    )


def _pairs(query: dict[str, Any]) -> list[tuple[str, Any]]:
    """One for each value of a member."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    return [(name, value) for name, values in lists.items() for value in values]


def _bytes(value: Any) -> bytes:
    """As a careless client would send it, also what is no text."""
    return str(value).encode("utf-8", "surrogatepass")


def ask_as(world: World, role: str, endpoint: str, sent: Sent, **headers: str) -> Any:
    """The answer to a request of somebody."""
    return ask(world.client(role), endpoint, sent, **headers)


def made(world: World, endpoint: str) -> Sent:
    """What a good request for this endpoint says, and what it needs is there."""
    return ROWS[endpoint](world)
