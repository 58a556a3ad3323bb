"""The middleware that writes a row of the audit trail for every request that may change something."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

from common.actors import Door, Role

from . import audit_trail
from .models import User
from .rate_limits import address_of, network_of

READS = ("GET", "HEAD", "OPTIONS", "TRACE")
DOORS = {"/api/": Door.API, "/admin/": Door.ADMIN}
LONGEST_READ = 100_000  # a problem document is short


class AuditMiddleware:
    """After the answer: who, what, through which door, and what they were told."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = str(request.method)
        response = self.get_response(request)
        if method not in READS:
            door = next((door for prefix, door in DOORS.items() if request.path.startswith(prefix)), Door.PAGE)
            audit_trail.record(
                door=door, **who_and_what(request, method), status=response.status_code, code=_code(response)
            )
        return response


def who_and_what(request: HttpRequest, method: str) -> dict[str, str]:
    """Actor, operation, object, request and network of a request."""
    match = request.resolver_match
    view = getattr(match.func, "view_class", None) if match else None
    operations = getattr(view, "operation_id", {}) if view else {}
    named = operations.get(method) or _named(method, match)
    actor: Any = getattr(request, "acting_as", None) or getattr(request, "user", None)
    person = actor if isinstance(actor, User) else None
    return {
        "operation": named,
        "object_id": str(next(iter(match.kwargs.values()), "")) if match else "",
        "actor_role": person.role if person else str(Role.STRIPE) if "webhooks/stripe" in request.path else "",
        "actor_id": person.pk if person else "",
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        "network": network_of(address_of(request)),
    }


def _named(method: str, match: Any) -> str:
    """What has no operation id: a page of the admin by its name, anything else by its route."""
    return f"{method} {(match.view_name if match.url_name else match.route) if match else '?'}"


def _code(response: Any) -> str:
    """The code of a problem document."""
    if response.status_code < 400 or "problem+json" not in response.headers.get("Content-Type", ""):
        return ""
    data = getattr(response, "data", None)
    if data is None and len(response.content) < LONGEST_READ:
        data = json.loads(response.content)
    return str(data.get("code", "")) if isinstance(data, dict) else ""
