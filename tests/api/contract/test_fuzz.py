"""A short, always equal run of `make fuzz`: every endpoint, as whoever may call it and as one of the others."""

import zlib

import pytest
from schemathesis.generation.modes import GenerationMode

from .fuzzing import Fuzz, attacked
from .test_permissions import TABLE
from .world import ROLES, World

EVERY = 41  # of the spoiled requests; another part of them for every endpoint


@pytest.mark.parametrize("endpoint", attacked())
def test_odd_requests_break_nothing_and_are_answered_as_documented(world: World, endpoint: str) -> None:
    fuzz, number = Fuzz(world), zlib.crc32(endpoint.encode())
    other = ROLES[number % len(ROLES)]
    fuzz.spoiled(who_may(endpoint), endpoint, every=EVERY, first=number)
    fuzz.generated(who_may(endpoint), endpoint, GenerationMode.POSITIVE, examples=1)
    fuzz.generated(other, endpoint, GenerationMode.NEGATIVE, examples=1)

    assert fuzz.found == []


def who_may(endpoint: str) -> str:
    """Somebody who is let in."""
    answered = dict(zip(ROLES, TABLE[endpoint], strict=True))
    asking = ("student", "instructor", "finance", "staff", "anonymous", *ROLES)
    return next(role for role in asking if answered[role] in (200, 201, 204, 402))
