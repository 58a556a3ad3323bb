"""Carries Stripe's events to the site's real webhook, signed: at once, twice, later, in another order, or never."""

import heapq
import json
import math
import time
from typing import Any

import httpx
from django.conf import settings
from django.test import Client
from django.urls import reverse
from djstripe.models import WebhookEndpoint

from bookings import jobs
from bookings.stripe_events import HANDLERS
from payments import webhook_endpoints
from stripe_sandbox.webhooks import signature
from tests.support.sandbox import Sandbox

from .ground import Ground, what_broke
from .trouble import dice

MINUTE, DAY = 60.0, 86400.0
LOSABLE = ("payment_intent.", "account.", "capability.", "setup_intent.")  # jobs get there without them
Parcel = tuple[int, int, str, dict[str, Any]]  # when, in which order, to which endpoint, the event


class Courier:
    """Takes the sandbox's deliveries in its own hands, so that their order is the story's."""

    def __init__(self, seed: str, ground: Ground, sandbox: Sandbox) -> None:
        self._seed, self._ground, self._sandbox = seed, ground, sandbox
        self._parcels: list[Parcel] = []
        self._seen = self._number = self._accounts_told = 0
        self._endpoints: dict[str, WebhookEndpoint] = {}
        self._site = Client()
        self.delivered = self.lost = 0

    def connect(self) -> None:
        """Register the site's endpoints; Stripe itself delivers nothing."""
        self._sandbox.control("POST", "webhooks", paused=True)
        webhook_endpoints.connect(events=HANDLERS)
        self._endpoints = {endpoint.id: endpoint for endpoint in WebhookEndpoint.objects.all()}
        self._stripe = httpx.Client(
            base_url=str(settings.STRIPE_API_BASE), auth=(settings.STRIPE_SECRET_KEY, ""), timeout=30, trust_env=False
        )

    def collect(self) -> None:
        """Take over what Stripe wants to tell since last time."""
        while True:
            report = self._sandbox.control("GET", f"webhooks?after={self._seen}&limit=1000")
            for delivery in report["data"]:
                self._seen = delivery["seq"]
                self._take(delivery)
            if len(report["data"]) < 1000:
                return

    def _take(self, delivery: dict[str, Any]) -> None:
        now = self._ground.now.timestamp()
        self._accounts_told += bool(delivery["account"])
        random = dice(self._seed, delivery["type"], now, self._accounts_told if delivery["account"] else "")
        fate = random.random()
        if fate < 0.05:
            if delivery["type"].startswith(LOSABLE):
                self.lost += 1
                return
            self._put(delivery, now + random.uniform(MINUTE, DAY))
        elif fate < 0.15:
            longest = 3 * DAY if delivery["type"].startswith(LOSABLE) else DAY
            self._put(delivery, now + random.uniform(MINUTE, longest))
        elif fate < 0.25:
            for _ in range(random.randint(2, 5)):
                self._put(delivery, now + random.choice((0.0, 1.0, random.uniform(0, DAY))))
        else:
            self._put(delivery, now + random.choice((0.0, 1.0, 2.0, 20.0)))

    def _put(self, delivery: dict[str, Any], at: float) -> None:
        self._number += 1
        heapq.heappush(self._parcels, (math.ceil(at), self._number, delivery["endpoint"], delivery))

    def next_at(self) -> Any:
        """When the next event arrives; None when none is under way."""
        if not self._parcels:
            return None
        moment = type(self._ground.now).fromtimestamp(self._parcels[0][0], self._ground.now.tzinfo)
        return max(moment, self._ground.now)

    def deliver(self, *, everything: bool = False) -> list[str]:
        """Hand over what has arrived by now; `everything`: also what is still under way and must not be lost."""
        wrong: list[str] = []
        later: list[Parcel] = []
        while self._parcels and (everything or self._parcels[0][0] <= self._ground.now.timestamp()):
            parcel = heapq.heappop(self._parcels)
            if everything and parcel[3]["type"].startswith(LOSABLE):
                later.append(parcel)
            else:
                wrong += self._hand_over(parcel[2], parcel[3])
        self._parcels = sorted([*self._parcels, *later])
        return wrong

    def _hand_over(self, endpoint_id: str, delivery: dict[str, Any]) -> list[str]:
        account = delivery["account"]
        headers = {"Stripe-Account": account} if account else {}
        body = self._stripe.get(f"/v1/events/{delivery['event']}", headers=headers).raise_for_status().text
        endpoint = self._endpoints[endpoint_id]
        answer = self._site.post(
            reverse("djstripe:djstripe_webhook_by_uuid", kwargs={"uuid": endpoint.djstripe_uuid}),
            body,
            content_type="application/json",
            HTTP_STRIPE_SIGNATURE=signature(endpoint.secret, body, int(time.time())),
        )
        self.delivered += 1
        if answer.status_code != 200:
            return [f"The webhook answered {answer.status_code} to {delivery['type']}: {answer.content.decode()[:300]}"]
        if dice(self._seed, "task", delivery["type"], self._ground.now).random() < 0.2:
            return []  # the task is lost: process_stripe_events finds it
        try:
            jobs.process_stripe_event(json.loads(body)["id"])
        except Exception:
            return [f"{delivery['type']} of {account or 'the platform'} could not be processed:\n{what_broke()}"]
        return []
