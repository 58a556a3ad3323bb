"""A request repeated with the same `Idempotency-Key` is done once and answered twice.

The key is claimed in a short transaction of its own before the work starts, and the answer is kept after it: the work
itself runs in no transaction, because Stripe may be called in it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from common.ids import ULID_LENGTH, new_id
from common.problems import Conflict, Refused

KEPT_FOR = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(seconds=90)  # as long as the booking mutex: whoever ran it is gone by then
LONGEST_KEY = 255


class KeyReused(Refused):
    code, title = "idempotency_key_reused", "This Idempotency-Key was used for another request"
    remedy = "Use a new key for a new request."


class KeyInUse(Conflict):
    code, title = "idempotency_key_in_use", "The first request with this Idempotency-Key is still running"
    remedy = "Wait a moment and send the same request with the same key: it then gets the answer of the first."
    retry_after = 2


class IdempotencyKey(models.Model):
    """One request of one person, and its answer once there is one. All times are the machine's own."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FREE = "free", "Free: it ended without an answer worth keeping"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="idempotency_keys")
    key = models.CharField(max_length=LONGEST_KEY)
    fingerprint = models.CharField(max_length=64, help_text="Method, path and body, hashed")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    claims = models.PositiveIntegerField(default=1, help_text="The latest claim is the only one that may answer")
    claimed_at = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer_body = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_row_per_person_and_key")]

    def __str__(self) -> str:
        return f"{self.state} {self.key}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was told."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a key, or the stored answer when somebody already has.

    `id` stays the same when a claim is taken over after a crash or freed after a failure, and differs for a new
    request: an operation that remembers it makes its thing once.
    """

    id: str
    number: int
    answer: Answer | None = None


def fingerprint_of(method: str, path: str, body: Any) -> str:
    """The same for the same request, however its JSON is spaced and ordered."""
    return hashlib.sha256(json.dumps([method, path, body], sort_keys=True).encode()).hexdigest()


def claim(*, user_id: str, key: str, fingerprint: str, system_now: datetime) -> Claim:
    """Claim a key for a request, or get the answer it already has.

    Raises KeyReused when the key belongs to another request and KeyInUse when the first one still runs.
    """
    fresh = {"fingerprint": fingerprint, "claimed_at": system_now, "created_at": system_now}
    with transaction.atomic():
        rows = IdempotencyKey.objects.select_for_update()
        row, created = rows.get_or_create(user_id=user_id, key=key, defaults=fresh)
        if created:
            return Claim(row.id, row.claims)
        other = row.fingerprint != fingerprint
        if row.created_at <= system_now - KEPT_FOR or (other and row.state == IdempotencyKey.State.FREE):
            row.delete()
            row = IdempotencyKey.objects.create(user_id=user_id, key=key, **fresh)
            return Claim(row.id, row.claims)
        if other:
            raise KeyReused()
        if row.state == IdempotencyKey.State.DONE:
            return Claim(row.id, row.claims, Answer(row.answer_status or 200, row.answer_body))
        if row.state == IdempotencyKey.State.RUNNING and row.claimed_at > system_now - GIVEN_UP_AFTER:
            raise KeyInUse()
        row.state, row.claims, row.claimed_at = IdempotencyKey.State.RUNNING, row.claims + 1, system_now
        row.save(update_fields=["state", "claims", "claimed_at"])
        return Claim(row.id, row.claims)


def keep(claimed: Claim, answer: Answer) -> bool:
    """Keep the answer of a claimed key; False when somebody else has taken the key over meanwhile."""
    return _finish(claimed, state=IdempotencyKey.State.DONE, answer_status=answer.status, answer_body=answer.body)


def free(claimed: Claim) -> bool:
    """Let the same request be tried again: it ended without an answer worth keeping."""
    return _finish(claimed, state=IdempotencyKey.State.FREE)


def purge(system_now: datetime) -> int:
    """Forget keys older than KEPT_FOR; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=system_now - KEPT_FOR).delete()[0]


def _finish(claimed: Claim, **values: Any) -> bool:
    mine = IdempotencyKey.objects.filter(id=claimed.id, claims=claimed.number, state=IdempotencyKey.State.RUNNING)
    return mine.update(**values) == 1
