"""Lists as Stripe gives them: newest first, a page at a time."""

from collections.abc import Callable
from typing import Any

from stripe_sandbox.errors import ParameterError, invalid_request
from stripe_sandbox.request import Request
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.store import Page
from stripe_sandbox.types import Doc, public

MAX_LIMIT = 100


def page_of(request: Request) -> Page:
    """The page a request asks for. Raises ParameterError for a limit out of range."""
    limit = request.get("limit", 10)
    if not 1 <= limit <= MAX_LIMIT:
        word = "less than or equal to 100" if limit > MAX_LIMIT else "greater than or equal to 1"
        raise ParameterError(f"This value must be {word}.", code="parameter_invalid_integer", param="limit")
    after, before = request.get("starting_after"), request.get("ending_before")
    if after and before:
        raise ParameterError("You cannot parameterize both starting_after and ending_before.", param="starting_after")
    created = request.get("created")
    ranges: list[tuple[str, int]] = []
    if isinstance(created, dict):
        ranges = [(operator, int(at)) for operator, at in created.items()]
    elif created is not None:
        ranges = [("gte", int(created)), ("lte", int(created))]
    return Page(limit, after, before, tuple(ranges))


def list_of(
    box: Sandbox,
    request: Request,
    kind: str,
    filters: dict[str, Any] | tuple[str, ...] = (),
    *,
    url: str = "",
    owner: str = "",
    show: Callable[[Doc], Doc] = public,
) -> Doc:
    """The list a request asks for; `filters` names the parameters that filter by a value, or gives the values."""
    if not isinstance(filters, dict):
        filters = {name: request.params[name] for name in filters if name in request.params}
    page = page_of(request)
    found = box.store.page(kind, owner or request.account, filters, page)
    if found is None:
        cursor = page.starting_after or page.ending_before
        param = "starting_after" if page.starting_after else "ending_before"
        raise invalid_request(f"No such {kind}: '{cursor}'", "resource_missing", param)
    docs, more = found
    return {"object": "list", "data": [show(doc) for doc in docs], "has_more": more, "url": url or request.path}
