"""Delivers events to webhook endpoints: signed anew for every attempt, again and again until the answer is 2xx."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stripe_sandbox.types import Doc, private, public

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

CONCURRENCY = 8
TIMEOUT_SECONDS = 20
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0
MAX_ATTEMPTS = 100


def signature(secret: str, body: str, at: int) -> str:
    """The Stripe-Signature header of a body."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Carries out the deliveries of the outbox, a few at a time, those of one payment in order."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self._under_way: dict[int, tuple[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> int:
        """How many attempts are under way."""
        return len(self._under_way)

    async def run(self) -> None:
        """Deliver for ever."""
        outbox = self._box.outbox
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(outbox.ready.wait(), 0.25)
            outbox.ready.clear()
            self._start_due()

    def _start_due(self) -> None:
        if len(self._under_way) >= CONCURRENCY:
            return
        taken = set(self._under_way.values())
        in_order = not self._box.outbox.settings["shuffle"]
        for seq, event, endpoint, subject, attempts, answers in self._box.outbox.due(CONCURRENCY * 8):
            if seq in self._under_way or (in_order and (endpoint, subject) in taken):
                continue
            taken.add((endpoint, subject))
            self._under_way[seq] = (endpoint, subject)
            job = asyncio.create_task(self._attempt(seq, event, endpoint, attempts, json.loads(answers)))
            self._tasks.add(job)
            job.add_done_callback(self._tasks.discard)
            if len(self._under_way) >= CONCURRENCY:
                return

    async def _attempt(self, seq: int, event_id: str, endpoint_id: str, attempts: int, answers: list[Doc]) -> None:
        outbox = self._box.outbox
        try:
            event = self._box.store.get("event", event_id)
            endpoint = self._box.store.get("webhook_endpoint", endpoint_id)
            if event is None or endpoint is None or endpoint["status"] != "enabled":
                outbox.answered(seq, attempts, answers, "canceled", 0.0)
                return
            body = json.dumps({**public(event), "api_version": endpoint["api_version"] or event["api_version"]})
            status, error = await _post(endpoint["url"], body, private(endpoint)["secret"])
            attempts += 1
            answers.append({"at": time.time(), "status": status, "error": error})
            if status is not None and 200 <= status < 300:
                outbox.answered(seq, attempts, answers, "delivered", 0.0)
            elif attempts >= MAX_ATTEMPTS:
                outbox.answered(seq, attempts, answers, "failed", 0.0)
            else:
                wait = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 10), LAST_RETRY_SECONDS)
                outbox.answered(seq, attempts, answers, "pending", time.time() + wait)
        finally:
            self._under_way.pop(seq, None)
            outbox.ready.set()


async def _post(url: str, body: str, secret: str) -> tuple[int | None, str | None]:
    """POST a signed body; the status of the answer, or what went wrong."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _exchange(url, body.encode(), signature(secret, body, int(time.time()))), None
    except TimeoutError:
        return None, "timed out"
    except (OSError, ValueError, EOFError) as error:
        return None, f"{type(error).__name__}: {error}"


async def _exchange(url: str, body: bytes, signed: str) -> int:
    target = urlsplit(url)
    secure = ssl.create_default_context() if target.scheme == "https" else None
    port = target.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(target.hostname, port, ssl=secure)
    try:
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: close\r\nAccept: */*\r\n"
            "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nCache-Control: no-cache\r\n"
            f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"Stripe-Signature: {signed}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        line = await reader.readline()
        parts = line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
            raise ValueError("not an HTTP answer" if line else "closed without an answer")
        await reader.read(65536)
        return int(parts[1])
    finally:
        writer.close()
