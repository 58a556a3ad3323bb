"""Stripe's rate limits and object locks, switched on by `POST /_sandbox/limits`. They count in real time."""

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from stripe_sandbox.errors import StripeError, rate_limited
from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

SETTINGS: Doc = {
    "enabled": False,
    "per_second": 100,
    "per_endpoint": 25,
    "intent_updates_per_hour": 1000,
    "lock_timeout": False,
    "lock_seconds": 0.0,
}
_ID = re.compile(r"/(\w+_\w{6,})")
_LOCKED_BY = ("payment_intent", "charge", "source_transaction")


class Window:
    """How often something happened in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: dict[str, deque[float]] = {}

    def hit(self, key: str, limit: int) -> bool:
        """Count one; False when the limit is reached."""
        now = time.monotonic()
        times = self._times.setdefault(key, deque())
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now)
        return True


class Limits:
    """Decides 429s, before idempotency."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self.settings: Doc = {**SETTINGS, **box.store.meta("limits", {})}
        self._second, self._hour = Window(1.0), Window(3600.0)
        self._locked: dict[str, float] = {}

    def configure(self, changes: Doc) -> None:
        """Change the limits; names as in SETTINGS."""
        self.settings.update(changes)
        self._second, self._hour = Window(1.0), Window(3600.0)
        self._locked.clear()
        self._box.store.set_meta("limits", self.settings)

    def check(self, method: str, path: str) -> StripeError | None:
        """The rate limit a request runs into, if any."""
        settings = self.settings
        if not settings["enabled"]:
            return None
        endpoint = f"{method} {_ID.sub('/{id}', path)}"
        if not self._second.hit("all", settings["per_second"]) or not self._second.hit(
            endpoint, settings["per_endpoint"]
        ):
            return rate_limited(
                "rate_limit",
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
            )
        if method == "POST" and path.startswith("/v1/payment_intents/"):
            intent = path.split("/")[3]
            if not self._hour.hit(intent, settings["intent_updates_per_hour"]):
                return rate_limited("rate_limit", "This PaymentIntent was updated too often within an hour.")
        return None

    def lock(self, method: str, path: str, params: Doc) -> list[str] | StripeError:
        """Take the objects a write touches; the error when another write holds one. Give the list to `unlock`."""
        if method == "GET" or not self.settings["lock_timeout"]:
            return []
        now = time.monotonic()
        names = _ID.findall(path) + [params[name] for name in _LOCKED_BY if isinstance(params.get(name), str)]
        if any(self._locked.get(name, 0.0) > now for name in names):
            return rate_limited(
                "lock_timeout",
                "This object cannot be accessed right now because another API request or Stripe process is currently "
                "accessing it. If you see this error intermittently, retry the request. If you see this error "
                "frequently and are making multiple concurrent requests to a single object, make your requests "
                "serially or at a lower rate.",
            )
        for name in names:
            self._locked[name] = float("inf")
        return names

    def unlock(self, names: list[str]) -> None:
        """Let go, `lock_seconds` from now."""
        until = time.monotonic() + self.settings["lock_seconds"]
        for name in names:
            if self.settings["lock_seconds"]:
                self._locked[name] = until
            else:
                self._locked.pop(name, None)
