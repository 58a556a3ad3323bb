"""Every POST and PATCH takes an Idempotency-Key: sent twice it is done once, and answered the same with a note.

Answers that are secrets (tokens) are not kept; the schema then names no such header.
"""

import pytest

from accounts.idempotency import IdempotencyKey

from .asking import ask_as, endpoints, made, operation_of
from .test_permissions import TABLE, changed
from .world import ROLES, World

WRITES = [endpoint for endpoint in endpoints() if endpoint.startswith(("POST ", "PATCH "))]
SECRET = {endpoint for endpoint in WRITES if endpoint.startswith("POST auth/")} | {"POST me/calendar-feed"}


def takes_key(endpoint: str) -> bool:
    parameters = operation_of(endpoint).get("parameters", [])
    return any(parameter["name"] == "Idempotency-Key" for parameter in parameters)


def test_only_secrets_are_not_kept() -> None:
    assert {endpoint for endpoint in WRITES if not takes_key(endpoint)} == SECRET
    assert not [endpoint for endpoint in endpoints() if endpoint not in WRITES and takes_key(endpoint)]


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in WRITES if endpoint not in SECRET])
def test_the_same_request_is_answered_twice_and_done_once(world: World, endpoint: str) -> None:
    sent, role = made(world, endpoint), who_may(endpoint)
    key = {"Idempotency-Key": "the-same"}
    first = ask_as(world, role, endpoint, sent, **key)
    after = world.snapshot.digest()
    second = ask_as(world, role, endpoint, sent, **key)

    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert changed(world, after) == []
    assert IdempotencyKey.objects.get(key="the-same").user_id == world.user(role).pk  # type: ignore[union-attr]

    other = ask_as(world, role, endpoint, type(sent)(sent.path, {**(sent.body or {}), "more": 1}), **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert changed(world, after) == []


def who_may(endpoint: str) -> str:
    """Somebody who is not refused: the student where the student may."""
    answered, done = dict(zip(ROLES, TABLE[endpoint], strict=True)), (200, 201, 402)
    asking = ("student", "instructor", "finance", "staff", "other_student")
    return next(role for role in asking if answered[role] in done)
