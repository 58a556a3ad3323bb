"""Let webhooks arrive, and what they set off be done, until nothing waits any more."""

import time
from datetime import datetime

import httpx
from django.conf import settings
from django.db import transaction
from django_q.models import OrmQ
from django_q.status import Stat

from bookings import due, jobs
from bookings.models import MailLog
from common import clock
from common.problems import OperationInProgress
from payments import gateway, webhook_inbox
from payments.models import StripeEventInbox

from .stripe_side import StripeSide

SECONDS_TO_WAIT = 30.0  # for everything at one moment
SECONDS_WITHOUT_PROGRESS = 2.0  # then what is left waits for something else: a paused delivery, a retry
LOOK_EVERY = 0.01


class Quiet:
    """Settles one moment after the other. Remembers whether the site can be reached by webhooks at all."""

    def __init__(self, stripe: StripeSide) -> None:
        self._stripe = stripe
        self._patience = SECONDS_WITHOUT_PROGRESS
        self._by_hand: bool | None = None
        self._seen = 0

    def settle(self, moment: datetime, *, tasks: bool = False) -> dict[str, int]:
        """Work until no webhook is pending and no stored event is due; with `tasks` until the queue is empty too.

        Returns what still waits: `deliveries`, `events`, `mails`, `tasks`. Zeros, unless something cannot go on by itself.
        """
        deadline = time.monotonic() + SECONDS_TO_WAIT
        moved_at, before, contended = time.monotonic(), {"": -1}, 0
        while True:
            waiting = {
                "deliveries": self._deliveries(),
                "events": self._events(moment),
                "mails": _send_mails(moment),
                "tasks": tasks_waiting() if tasks else 0,
            }
            if not any(waiting.values()):
                return waiting
            now = time.monotonic()
            if waiting != before:
                moved_at, before = now, waiting
            if now > deadline or now - moved_at > self._patience:
                self._patience = min(self._patience, 0.2)
                return waiting
            contended = contended + 1 if waiting["events"] else 0
            time.sleep(min(0.05 * 2**contended, 1.0) if contended else LOOK_EVERY)

    def _deliveries(self) -> int:
        """What Stripe still has to deliver. Where nobody listens, events are fetched instead."""
        deliveries = self._stripe.deliveries()
        waiting = deliveries.pending + deliveries.under_way
        if not waiting or deliveries.paused:
            return 0
        if self._by_hand is None:
            self._by_hand = not _site_listens()
        if self._by_hand:
            self._fetch()
            return 0
        return waiting

    def _fetch(self) -> None:
        """Read from Stripe the events it cannot deliver, and store them as the webhook would."""
        waiting, self._seen = self._stripe.undelivered(after=self._seen)
        ids = [delivery["event"] for delivery in waiting]
        known = set(StripeEventInbox.objects.filter(pk__in=ids).values_list("pk", flat=True))
        for delivery in waiting:
            if delivery["event"] in known:
                continue
            event = gateway.event(delivery["event"], account=delivery["account"] or "")
            with transaction.atomic():
                webhook_inbox.store(event)

    def _events(self, moment: datetime) -> int:
        """Process what is stored and due, beside the cluster; both are safe. Returns how many are left for now."""
        if not StripeEventInbox.objects.filter(processed_at=None).exists():
            return 0
        busy = StripeEventInbox.objects.filter(processed_at=None, last_error__startswith=OperationInProgress.__name__)
        busy.update(next_attempt_at=clock.system_now())
        if due.events_to_process():
            jobs.process_stripe_events(moment)
        return len(due.events_to_process()) + busy.filter(next_attempt_at__gt=clock.system_now()).count()


def _send_mails(moment: datetime) -> int:
    """Send what was not tried yet; a mail that failed waits for the next minute. Returns how many are left for now."""
    untried = MailLog.objects.filter(sent_at=None, attempts=0).exclude(not_before__gt=moment)
    if not untried.exists():
        return 0
    jobs.send_mails(moment)
    return untried.count()


def tasks_waiting() -> int:
    """Tasks in the queue, as long as a cluster is there to work on them."""
    return OrmQ.objects.count() if any(Stat.get_all()) else 0


def _site_listens() -> bool:
    try:
        return httpx.get(f"{settings.SITE_URL}/healthz/live", timeout=5).is_success
    except httpx.HTTPError:
        return False
