"""Events of the last 30 days."""

from typing import Any

from stripe_sandbox.errors import missing
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc


@route("GET", "/v1/events", "EventListParams")
def list_events(box: Sandbox, request: Request) -> Doc:
    """List events of the acting account; `type` may end in *."""
    filters: dict[str, Any] = {}
    wanted = request.get("types") or ([request.params["type"]] if "type" in request.params else [])
    if wanted:
        names = {name for pattern in wanted for name in _matching(box, pattern)}
        filters["type"] = sorted(names) or ["-"]
    return list_of(box, request, "event", filters)


@route("GET", "/v1/events/{id}", "EventRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """An event."""
    event = box.store.get("event", request.args["id"], request.account)
    if event is None:
        raise missing("event", request.args["id"], "id")
    return event


def _matching(box: Sandbox, pattern: str) -> list[str]:
    if not pattern.endswith("*"):
        return [pattern]
    known = box.store.db.execute("SELECT DISTINCT f_type FROM o_event").fetchall()
    return [row[0] for row in known if row[0].startswith(pattern[:-1])]
