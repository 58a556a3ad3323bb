"""Where Stripe sends its events: one endpoint for the platform's, one for those of connected accounts."""

from collections.abc import Iterable
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from djstripe.models import WebhookEndpoint

from common.ids import new_id
from common.mutex import mutex

from . import gateway

PLATFORM, CONNECT = "platform", "connect"
TOLERANCE_SECONDS = 300  # how old a signature may be
ROUTE = "djstripe:djstripe_webhook_by_uuid"


def connect(*, events: Iterable[str]) -> dict[str, str]:
    """Make sure that Stripe sends these events here, to the platform's endpoint and to that of connected accounts.

    An endpoint is kept when it is registered at Stripe for our address and these events and we know its secret; others
    of our address are replaced. Returns "kept" or "made" by kind. Raises Declined, OutcomeUnknown, or
    OperationInProgress when somebody else is at it.
    """
    wanted = sorted(events)
    with mutex("webhook_endpoints"):
        at_stripe = [endpoint for endpoint in gateway.webhook_endpoints() if is_ours(endpoint["url"])]
        done = {}
        for kind in (PLATFORM, CONNECT):
            good = next((endpoint for endpoint in at_stripe if _is_good(endpoint, kind, wanted)), None)
            if good is None:
                _make(kind, wanted)
            else:
                at_stripe.remove(good)
            done[kind] = "kept" if good else "made"
        for endpoint in at_stripe:
            gateway.delete_webhook_endpoint(endpoint["id"])
            WebhookEndpoint.objects.filter(id=endpoint["id"]).delete()
    return done


def is_ours(url: str) -> bool:
    """Whether an address is a webhook endpoint of this site."""
    return url.startswith(address_of(""))


def address_of(uuid: str) -> str:
    """The address of the endpoint with a dj-stripe uuid; of all of them, up to the uuid, when it is empty."""
    some = "00000000-0000-0000-0000-000000000000"
    path = reverse(ROUTE, kwargs={"uuid": uuid or some})
    return settings.SITE_URL + (path if uuid else path.partition(some)[0])


def _is_good(endpoint: gateway.Fields, kind: str, events: list[str]) -> bool:
    row = WebhookEndpoint.objects.filter(id=endpoint["id"]).exclude(secret="").first()
    return (
        row is not None
        and endpoint["status"] == "enabled"
        and (endpoint.get("metadata") or {}).get("instainstru") == kind
        and endpoint["url"] == address_of(str(row.djstripe_uuid))
        and sorted(endpoint["enabled_events"]) == events
        and endpoint["api_version"] == settings.STRIPE_API_VERSION
    )


def _make(kind: str, events: list[str]) -> None:
    """Register an endpoint and keep its secret, which Stripe tells this once; without it the endpoint is replaced later."""
    uuid = uuid4()
    made = gateway.create_webhook_endpoint(
        url=address_of(str(uuid)), connect=kind == CONNECT, events=events, key=f"webhook_endpoint:{new_id()}"
    )
    WebhookEndpoint.objects.create(
        id=made["id"],
        livemode=made["livemode"],
        api_version=made["api_version"] or "",
        enabled_events=made["enabled_events"],
        secret=made["secret"],
        status=made["status"],
        url=made["url"],
        djstripe_uuid=uuid,
        djstripe_tolerance=TOLERANCE_SECONDS,
        djstripe_validation_method="verify_signature",
    )
