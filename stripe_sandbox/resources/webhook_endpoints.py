"""Webhook endpoints."""

from stripe_sandbox import API_VERSION
from stripe_sandbox.config import Endpoint
from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id, token
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import metadata
from stripe_sandbox.types import Doc, private, public

MAX_ENDPOINTS = 16


@route("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Create an endpoint; this is the only answer that shows its secret."""
    _check_url(request.params["url"])
    if not request.params["enabled_events"]:
        raise invalid_request("Invalid array", None, "enabled_events")
    if len(box.store.find("webhook_endpoint")) >= MAX_ENDPOINTS:
        raise invalid_request("You have reached the maximum of 16 test webhook endpoints.")
    endpoint = new_endpoint(box, request.params["url"], request.params["enabled_events"])
    endpoint.update(
        {
            "api_version": request.get("api_version"),
            "description": request.get("description") or None,
            "metadata": metadata(None, request.get("metadata")),
        }
    )
    private(endpoint).update({"connect": bool(request.get("connect")), "secret": f"whsec_{token(32)}"})
    box.add("webhook_endpoint", endpoint, request.account)
    box.outbox.reload()
    return {**public(endpoint), "secret": private(endpoint)["secret"]}


@route("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams")
def list_endpoints(box: Sandbox, request: Request) -> Doc:
    """List endpoints."""
    return list_of(box, request, "webhook_endpoint")


@route("GET", "/v1/webhook_endpoints/{id}", "WebhookEndpointRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """An endpoint."""
    return box.here("webhook_endpoint", request)


@route("POST", "/v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change an endpoint."""
    endpoint = box.here("webhook_endpoint", request)
    changes: Doc = {name: request.params[name] for name in ("enabled_events", "url") if name in request.params}
    if "url" in changes:
        _check_url(changes["url"])
    if "description" in request.params:
        changes["description"] = request.params["description"] or None
    if "disabled" in request.params:
        changes["status"] = "disabled" if request.params["disabled"] else "enabled"
    if "metadata" in request.params:
        changes["metadata"] = metadata(endpoint["metadata"], request.params["metadata"])
    box.change("webhook_endpoint", endpoint, changes)
    box.outbox.reload()
    return endpoint


@route("DELETE", "/v1/webhook_endpoints/{id}")
def delete(box: Sandbox, request: Request) -> Doc:
    """Delete an endpoint; what waited for it is not delivered."""
    endpoint = box.here("webhook_endpoint", request)
    box.store.delete("webhook_endpoint", endpoint["id"])
    box.outbox.reload()
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def new_endpoint(box: Sandbox, url: str, events: list[str]) -> Doc:
    """An endpoint, not yet kept."""
    return {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": box.now,
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def add_configured(box: Sandbox) -> None:
    """Create the endpoints of the command line, unless they exist already."""
    known = {(endpoint["url"], private(endpoint)["connect"]) for endpoint in box.store.find("webhook_endpoint")}
    for given in box.config.webhooks:
        if (given.url, given.connect) not in known:
            _add(box, given)
    box.outbox.reload()


def _add(box: Sandbox, given: Endpoint) -> None:
    with box.transaction():
        endpoint = new_endpoint(box, given.url, ["*"])
        endpoint["api_version"] = API_VERSION
        private(endpoint).update({"connect": given.connect, "secret": given.secret})
        box.add("webhook_endpoint", endpoint, box.platform)


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise invalid_request("Invalid URL: An explicit scheme (such as https) must be provided.", "url_invalid", "url")
