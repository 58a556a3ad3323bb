"""The outbox: which event goes to which webhook endpoint, kept in the state file until it was answered with 2xx."""

import asyncio
import json
import random
import time
from typing import TYPE_CHECKING, Any

from stripe_sandbox.types import Doc, private

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

SETTINGS: Doc = {"duplicate": 1, "shuffle": False, "delay_seconds": 0, "drop": 0.0, "paused": False, "seed": None}


class Outbox:
    """Deliveries to come. The worker in `webhooks` carries them out."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self.ready = asyncio.Event()
        self._fresh = False
        self.settings: Doc = {**SETTINGS, **box.store.meta("webhook_settings", {})}
        self._random = random.Random(self.settings["seed"])
        self._endpoints: list[Doc] = []
        self.reload()

    def reload(self) -> None:
        """Read the webhook endpoints anew, after one was created, changed or deleted."""
        self._endpoints = self._box.store.find("webhook_endpoint")

    def configure(self, changes: Doc) -> None:
        """Change how deliveries misbehave; names as in SETTINGS."""
        self.settings.update(changes)
        if "seed" in changes:
            self._random = random.Random(changes["seed"])
        self._box.store.set_meta("webhook_settings", self.settings)
        self.wake(True)

    def put(self, event: Doc, owner: str) -> int:
        """Queue an event for every endpoint that listens to it; how many do."""
        listeners = [endpoint for endpoint in self._endpoints if _listens(endpoint, event, owner, self._box.platform)]
        for endpoint in listeners:
            self._queue(event, endpoint, owner)
        return len(listeners)

    def resend(self, event: Doc, owner: str) -> int:
        """Queue an event once more, past drop, delay and duplicates; how many endpoints get it."""
        listeners = [endpoint for endpoint in self._endpoints if _listens(endpoint, event, owner, self._box.platform)]
        for endpoint in listeners:
            self._insert(event, endpoint, owner, "pending", 0.0, 0.0)
        self.wake(True)
        return len(listeners)

    def _queue(self, event: Doc, endpoint: Doc, owner: str) -> None:
        settings = self.settings
        not_before = self._box.now + settings["delay_seconds"] if settings["delay_seconds"] else 0.0
        for _ in range(max(1, settings["duplicate"])):
            dropped = settings["drop"] and self._random.random() < settings["drop"]
            next_at = time.time() + self._random.uniform(0, 0.5) if settings["shuffle"] else 0.0
            self._insert(event, endpoint, owner, "dropped" if dropped else "pending", not_before, next_at)

    def _insert(self, event: Doc, endpoint: Doc, owner: str, status: str, not_before: float, next_at: float) -> None:
        account = None if owner == self._box.platform else owner
        self._box.store.db.execute(
            "INSERT INTO deliveries (event, type, endpoint, subject, account, status, not_before, next_at, attempts, "
            "answers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '[]')",
            (event["id"], event["type"], endpoint["id"], _subject(event), account, status, not_before, next_at),
        )
        self._fresh = True

    def forget_new(self) -> None:
        """The transaction was rolled back: nothing new to deliver."""
        self._fresh = False
        self.reload()

    def wake(self, always: bool = False) -> None:
        """Tell the worker that there is something to deliver."""
        if self._fresh or always:
            self._fresh = False
            self.ready.set()

    def hurry(self) -> None:
        """The sandbox clock jumped: what waits for its next attempt is due now."""
        self._box.store.db.execute("UPDATE deliveries SET next_at = 0 WHERE status = 'pending' AND next_at > 0")
        self.wake(True)

    def due(self, limit: int) -> list[tuple[Any, ...]]:
        """Deliveries to attempt now: (seq, event, endpoint, subject, attempts, answers)."""
        if self.settings["paused"]:
            return []
        order = "RANDOM()" if self.settings["shuffle"] else "seq"
        return self._box.store.db.execute(
            "SELECT seq, event, endpoint, subject, attempts, answers FROM deliveries WHERE status = 'pending' "  # noqa: S608
            f"AND next_at <= ? AND not_before <= ? ORDER BY {order} LIMIT ?",
            (time.time(), self._box.clock.now(), limit),
        ).fetchall()

    def answered(self, seq: int, attempts: int, answers: list[Doc], status: str, next_at: float) -> None:
        """Record the outcome of an attempt."""
        self._box.store.db.execute(
            "UPDATE deliveries SET status = ?, attempts = ?, answers = ?, next_at = ? WHERE seq = ?",
            (status, attempts, json.dumps(answers[-10:]), next_at, seq),
        )

    def counts(self) -> Doc:
        """How many deliveries are in each state."""
        rows = self._box.store.db.execute("SELECT status, COUNT(*) FROM deliveries GROUP BY status").fetchall()
        counts = dict.fromkeys(("pending", "delivered", "dropped", "failed", "canceled"), 0) | dict(rows)
        waiting = self._box.store.db.execute(
            "SELECT COUNT(*) FROM deliveries WHERE status = 'pending' AND not_before > ?", (self._box.clock.now(),)
        ).fetchone()[0]
        return {**counts, "pending": counts["pending"] - waiting, "delayed": waiting}


def _listens(endpoint: Doc, event: Doc, owner: str, platform: str) -> bool:
    if endpoint["status"] != "enabled" or private(endpoint).get("connect", False) != (owner != platform):
        return False
    enabled = endpoint["enabled_events"]
    return "*" in enabled or event["type"] in enabled


def _subject(event: Doc) -> str:
    """What the event is about: events of one payment are delivered one after the other."""
    doc = event["data"]["object"]
    subject = doc.get("payment_intent") or doc.get("id") or event.get("account") or event["type"]
    return str(subject)
