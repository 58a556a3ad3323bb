"""The Stripe sandbox's controls, as far as sandbox mode needs them: its clock, its deliveries, its ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from django.conf import settings

from common.problems import StripeUnavailable

Fields = dict[str, Any]
SECONDS_FOR_AN_ANSWER = 60  # turning the clock far makes it do everything that falls due


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Webhooks: how many wait to be delivered, how many are on their way, how many have arrived."""

    pending: int
    under_way: int
    delivered: int
    paused: bool


class StripeSide:
    """One conversation with the controls. Every method raises StripeUnavailable when there is no good answer."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def now(self) -> datetime:
        """What time the Stripe sandbox has."""
        return datetime.fromtimestamp(self._ask("GET", "clock")["timestamp"], UTC)

    def move_to(self, instant: datetime) -> datetime:
        """Turn the Stripe sandbox's clock forward and return what it then shows: more, where it was past that already."""
        try:
            answer = self._ask("POST", "clock", {"to": instant.timestamp()})
        except StripeUnavailable:
            if (now := self.now()) > instant:
                return now
            raise
        return datetime.fromtimestamp(answer["timestamp"], UTC)

    def deliveries(self) -> Deliveries:
        report = self._ask("GET", "webhooks?summary=1")
        return Deliveries(
            pending=report["pending"],
            under_way=report["under_way"],
            delivered=report["counts"]["delivered"],
            paused=bool(report["settings"]["paused"]),
        )

    def undelivered(self, *, after: int) -> tuple[list[Fields], int]:
        """Deliveries made after a sequence number that have not arrived, and the last number."""
        waiting: list[Fields] = []
        while page := self._ask("GET", f"webhooks?after={after}&limit=1000")["data"]:
            waiting += [delivery for delivery in page if delivery["status"] == "pending"]
            after = page[-1]["seq"]
        return waiting, after

    def ledger(self) -> Fields:
        return self._ask("GET", "ledger")

    def control(self, path: str, body: Fields) -> Fields:
        """Any other control, by POST: `control("disputes", {"charge": "ch_…"})`."""
        return self._ask("POST", path, body)

    def remove(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Fields | None = None) -> Fields:
        try:
            response = self._http.request(method, f"/_sandbox/{path}", json=body)
        except httpx.HTTPError as error:
            raise StripeUnavailable("The Stripe sandbox does not answer.") from error
        if response.is_error:
            raise StripeUnavailable(f"The Stripe sandbox answered {response.status_code}: {response.text[:300]}")
        answer: Fields = response.json()
        return answer


@contextmanager
def stripe_side() -> Iterator[StripeSide]:
    """The Stripe sandbox of this site, for the length of the block."""
    with httpx.Client(base_url=str(settings.STRIPE_API_BASE), timeout=SECONDS_FOR_AN_ANSWER) as http:
        yield StripeSide(http)
