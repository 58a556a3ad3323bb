"""Whoever tests the API holds it to its description: each answer that a test gets must be one that the schema documents.

`Observer` is a middleware of the tests' site. It raises nothing (a view's client would only see a 500): what it finds is
told at the end of the test by `findings`.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, HttpResponse

from instainstru.written_docs import schema

NOT_DOCUMENTED = (404, 405, 500)  # of any address: there is none, not with this method, a bug
CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
_found: list[str] = []


class Observer:
    """Compares every answer of a documented endpoint with the schema: status, media type, body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and not response.streaming:
            path = "/" + CONVERTER.sub(r"{\1}", match.route)
            problem = difference(str(request.method), path, response)
            if problem:
                _found.append(f"{request.method} {request.path} answered {response.status_code}: {problem}")
        return response


def findings() -> list[str]:
    """What was found since the last call."""
    found = list(_found)
    _found.clear()
    return found


def difference(method: str, path: str, response: HttpResponse) -> str | None:
    """What is not as documented about an answer to a documented request; None when all is well."""
    operation = document()["paths"].get(path, {}).get(method.lower())
    if operation is None:
        return None
    status = str(response.status_code)
    answer = operation["responses"].get(status)
    if answer is None:
        return None if response.status_code in NOT_DOCUMENTED else f"not documented: {response.content[:300]!r}"
    if "$ref" in answer:
        answer = document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content", {})
    if not content:
        return f"documented without a body, came with {response.content[:200]!r}" if response.content else None
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind not in content:
        return f"{kind} is not one of {', '.join(content)}"
    if not kind.endswith("json"):
        return None
    errors = list(_validator(method, path, status, kind).iter_errors(json.loads(response.content)))
    if errors:
        where = "/".join(map(str, errors[0].instance_path))
        return f"{where}: {errors[0].message[:400]} (a code that the view raises unseen goes into its `refuses`)"
    return None


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return schema()


@cache
def _validator(method: str, path: str, status: str, kind: str) -> Any:
    answer = document()["paths"][path][method.lower()]["responses"][status]
    if "$ref" in answer:
        answer = document()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return jsonschema_rs.Draft202012Validator(
        {**answer["content"][kind]["schema"], "components": document()["components"]}
    )
