"""`manage.py connect_webhooks`: have Stripe send us the events that we act on. Repeatable."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bookings.stripe_events import HANDLERS
from common.problems import OperationInProgress
from payments import gateway, webhook_endpoints


class Command(BaseCommand):
    help = (
        "Register the platform's and the connected accounts' webhook endpoint at Stripe; keeps what is right already."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = webhook_endpoints.connect(events=HANDLERS)
        except gateway.Declined as refusal:
            raise CommandError(f"Stripe refused the webhook endpoints: {refusal.message}") from refusal
        except gateway.OutcomeUnknown as unknown:
            raise CommandError(f"The webhook endpoints could not be registered: {unknown}.") from unknown
        except OperationInProgress:
            self.stdout.write("Somebody else is registering the webhook endpoints.")
            return
        for kind, what in done.items():
            self.stdout.write(f"Webhook endpoint of the {kind}: {what}.")
