"""Nobody gets in where they do not belong: every endpoint, asked by everybody, answers as ../permissions.txt says.

A refusal changes nothing: every table is as before. Who has no business with a lesson reads neither its ids nor a name.
"""

from pathlib import Path
from typing import Any

import pytest

from bookings.models import Booking
from tests.support.snapshot import NOT_COUNTED, Digest

from .asking import ask_as, endpoints, made
from .requests import ROWS
from .world import ROLES, SECRET_NAMES, World

FILE = Path(__file__).resolve().parent.parent / "permissions.txt"
OPENED_BY_ITS_ADDRESS = {"GET calendar/{token}.ics"}  # whoever knows it may read it
STRANGERS = ("anonymous", "other_student", "other_instructor")


def expected() -> dict[str, list[int]]:
    """The table: the statuses of every endpoint, one for each role."""
    lines = [line.split("#")[0].split() for line in FILE.read_text(encoding="utf-8").splitlines()]
    return {f"{line[0]} {line[1]}": [int(status) for status in line[2:]] for line in lines if line}


TABLE = expected()


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    assert sorted(TABLE) == endpoints()
    assert sorted(ROWS) == endpoints()
    assert all(len(statuses) == len(ROLES) for statuses in TABLE.values())


@pytest.mark.parametrize("endpoint", TABLE)
def test_who_may_call(world: World, endpoint: str) -> None:
    sent, statuses = made(world, endpoint), dict(zip(ROLES, TABLE[endpoint], strict=True))
    seen: dict[str, int] = {}
    before = world.snapshot.digest()
    for role in sorted(ROLES, key=lambda role: not refused(statuses[role])):  # first what leaves everything as it is
        if not refused(statuses[role]) and seen and not endpoint.startswith("GET "):
            world.restore()
            sent = made(world, endpoint)
        response = ask_as(world, role, endpoint, sent)
        seen[role] = response.status_code
        if refused(response.status_code):
            assert changed(world, before) == [], f"{endpoint} refused {role} and changed something"
        elif response.streaming:
            response.close()
        elif role in STRANGERS and endpoint not in OPENED_BY_ITS_ADDRESS:
            refuse_leaks(world, response)
    assert seen == statuses, f"seen: {endpoint} {' '.join(str(seen[role]) for role in ROLES)}"


def refused(status: int) -> bool:
    """Somebody was told no. 402 is the card's word: the attempt is on record."""
    return status >= 400 and status != 402


def changed(world: World, before: Digest) -> list[str]:
    """The tables that are not as they were."""
    now = world.snapshot.digest()
    return [table for table in now if now[table] != before[table] and table not in NOT_COUNTED]


def refuse_leaks(world: World, response: Any) -> None:
    """A stranger reads nothing of the student's, and no lesson."""
    text = response.content.decode()
    lessons = Booking.objects.filter(student=world.student.user).values_list("pk", flat=True)
    cards = world.student.user.payment_methods.values_list("stripe_id", flat=True)
    private = [world.student.user.pk, world.student.user.email, *SECRET_NAMES.values(), *lessons, *cards]
    assert [word for word in private if word in text] == []
