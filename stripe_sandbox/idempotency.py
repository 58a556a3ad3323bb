"""Idempotency keys: the first answer is kept for 24 hours and replayed."""

import hashlib
import json
from typing import TYPE_CHECKING

from stripe_sandbox.errors import StripeError
from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

MEMORY_SECONDS = 24 * 3600
MAX_KEY_LENGTH = 255


def fingerprint(method: str, path: str, form: Doc) -> str:
    """What must be the same when a key is used again."""
    text = json.dumps([method, path, form], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Keys:
    """Keys used by each account. A key is taken from the moment its request starts."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self._running: set[tuple[str, str]] = set()

    def recall(self, account: str, key: str, mark: str) -> tuple[int, str, str] | None:
        """The stored (status, body, request id) of a key, None when it is new.

        Raises idempotency_error (400) for other parameters, idempotency_key_in_use (409) while the first is running.
        """
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError(
                400,
                "invalid_request_error",
                f"Idempotency keys can only be up to {MAX_KEY_LENGTH} characters long.",
            )
        if (account, key) in self._running:
            raise in_use(key)
        row = self._box.store.db.execute(
            "SELECT fingerprint, status, body, request, at FROM idempotency WHERE account = ? AND key = ?",
            (account, key),
        ).fetchone()
        if row is None or row[4] + MEMORY_SECONDS <= self._box.clock.now():
            return None
        if row[0] != mark:
            raise StripeError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
            )
        return row[1], row[2], row[3]

    def start(self, account: str, key: str) -> None:
        """The request of a key is running."""
        self._running.add((account, key))

    def finish(self, account: str, key: str) -> None:
        """The request of a key is no longer running."""
        self._running.discard((account, key))

    def keep(self, account: str, key: str, mark: str, status: int, body: str, request_id: str) -> None:
        """Store an answer under its key."""
        self._box.store.db.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
            (account, key, mark, self._box.clock.now(), status, body, request_id),
        )

    def forget_all(self) -> int:
        """Forget every key; how many there were."""
        return self._box.store.db.execute("DELETE FROM idempotency").rowcount

    def forget_old(self) -> None:
        """Drop what is past its 24 hours."""
        limit = self._box.clock.now() - MEMORY_SECONDS
        self._box.store.db.execute("DELETE FROM idempotency WHERE at <= ?", (limit,))


def in_use(key: str) -> StripeError:
    """409: another request with this key is still running."""
    return StripeError(
        409,
        "idempotency_error",
        f"There is currently another in-progress request using this Idempotent Key '{key}' (that probably means you "
        "submitted twice, and the other request is still going through). Please try again later.",
        code="idempotency_key_in_use",
    )
