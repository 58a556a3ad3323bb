"""The last touches of the OpenAPI document: doors that are not ours, and answers that many endpoints share, said once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.openapi import problem_responses
from accounts.problem_responses import DatabaseUnavailable, ServerError, TooLarge
from bookings.api.webhook import InvalidSignature
from common.problems import NotFound

Document = dict[str, Any]
PREFIX = "/api/v1/"
EXAMPLES = Path(settings.BASE_DIR) / "docs" / "api" / "openapi_examples.json"
METHODS = ("get", "post", "put", "patch", "delete")
WEBHOOK = "/api/v1/payments/webhooks/stripe/webhook/{uuid}/"


def complete(result: Document, **_: Any) -> Document:
    """drf-spectacular's hook: the whole document in, the whole document out."""
    result["servers"] = [{"url": "/", "description": "This site"}]
    result["paths"][WEBHOOK] = {"post": _webhook()}
    _say_null_as_3_1_does(result["components"])
    _show_examples(result["paths"])
    _share_answers(result)
    return result


def _say_null_as_3_1_does(node: Any) -> None:
    """REST framework's paginators still say `nullable`, which OpenAPI 3.1 does not know."""
    if isinstance(node, dict):
        if node.get("nullable") is True and isinstance(node.get("type"), str):
            del node["nullable"]
            node["type"] = [node["type"], "null"]
        for child in node.values():
            _say_null_as_3_1_does(child)
    elif isinstance(node, list):
        for child in node:
            _say_null_as_3_1_does(child)


def _webhook() -> Document:
    """Stripe's door (bookings/api/webhook.py), which is no view of REST framework."""
    return {
        "operationId": "receive_stripe_event",
        "description": "Stripe's door: an event is stored once and carried out by a job.",
        "tags": ["payments"],
        "parameters": [
            {"in": "path", "name": "uuid", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"in": "header", "name": "Stripe-Signature", "required": True, "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "security": [],
        "responses": {
            "200": {"description": "Stored", "content": {"text/html": {"schema": {"type": "string"}}}},
            **problem_responses(InvalidSignature, NotFound, TooLarge, ServerError, DatabaseUnavailable),
        },
        "x-who": "Stripe, by signature",
    }


def _show_examples(paths: Document) -> None:
    """Requests and answers that a test sends again and compares (docs/api/openapi_examples.json, `make examples`)."""
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8")) if EXAMPLES.exists() else {}
    for endpoint, example in examples.items():
        method, _, path = endpoint.partition(" ")
        operation = paths.get(PREFIX + path, {}).get(method.lower())
        if operation is None:
            continue
        answer = operation["responses"].get(str(example["status"]), {})
        for part, name in ((operation.get("requestBody", {}), "request"), (answer, "answer")):
            media = part.get("content", {}).get("application/json")
            if media is not None and name in example:
                media["example"] = example[name]


def _share_answers(document: Document) -> None:
    """An error that many endpoints answer alike stands once, under components."""
    answers = [
        (operation["responses"], status)
        for methods in document["paths"].values()
        for method, operation in methods.items()
        if method in METHODS
        for status in operation["responses"]
        if status >= "400"
    ]
    times = Counter(_words(responses[status]) for responses, status in answers)
    names: dict[str, str] = {}
    shared = document["components"].setdefault("responses", {})
    for responses, status in answers:
        words = _words(responses[status])
        if times[words] < 2:
            continue
        if words not in names:
            names[words] = _name(responses[status], status, set(names.values()))
            shared[names[words]] = responses[status]
        responses[status] = {"$ref": f"#/components/responses/{names[words]}"}


def _words(answer: Document) -> str:
    return json.dumps(answer, sort_keys=True)


def _name(answer: Document, status: str, taken: set[str]) -> str:
    """`Problem422`, `Problem422_2`, … in the order in which they come."""
    name, number = f"Problem{status}", 2
    while name in taken:
        name, number = f"Problem{status}_{number}", number + 1
    return name
