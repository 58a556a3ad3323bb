"""Where Stripe's webhooks land: one inbox row and one task, in the transaction that answers Stripe. Nothing else happens here."""

from typing import Any

from django_q.tasks import async_task
from djstripe.models import WebhookEventTrigger

from common import clock

from .models import StripeEventInbox


def receive(trigger: WebhookEventTrigger, api_key: str | None = None) -> None:
    """Store a verified event once and enqueue its processing. A repeat of a stored event changes nothing."""
    store(trigger.json_body)


def store(event: dict[str, Any]) -> bool:
    """Store an event by its id; True when it was new. Must run inside the caller's transaction."""
    received_at = clock.system_now()
    _, created = StripeEventInbox.objects.get_or_create(
        event_id=event["id"],
        defaults={
            "type": event["type"],
            "stripe_account": event.get("account") or "",
            "object_id": str(event["data"]["object"].get("id") or "")[:64],
            "payload": event,
            "received_at": received_at,
            "next_attempt_at": received_at,
        },
    )
    if created:
        async_task("bookings.jobs.process_stripe_event", event["id"], group="webhooks")
    return created
