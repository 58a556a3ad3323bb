"""No list and no document costs more queries when there is more to show: every GET, before and after six of every kind."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from .asking import ask_as, endpoints, made
from .growing import GROWERS
from .test_permissions import TABLE
from .world import ROLES, World

READS = [endpoint for endpoint in endpoints() if endpoint.startswith("GET ")]
ASKING = ("student", "instructor", "finance", "anonymous")
MORE = 5
# Not rows that can be added: what the code says, the lines of one price, what one instructor offers, a chart's points, a week.
SHOWS_NO_ROWS = {
    "GET bookings/{booking_id}/pricing",
    "GET bookings/{booking_id}/receipt",
    "GET errors",
    "GET instructor/analytics/payouts",
    "GET instructor/availability",
    "GET instructor/profile",
    "GET instructors/{instructor_id}",
    "GET packages",
    "GET packages/{package_id}",
}
STREAMS = {"GET conversations/{conversation_id}/events"}  # read while they go on: tests/community
Asked = dict[tuple[str, str], tuple[int, int]]


def test_six_rows_cost_as_many_queries_as_one(world: World) -> None:
    before = asked(world)
    for _ in range(MORE):
        for grow in GROWERS:
            grow(world)
    after = asked(world)

    dearer = [f"{who} {what}" for (what, who), (queries, _) in after.items() if queries > before[what, who][0]]
    assert dearer == []
    lists = {what for (what, _), (_, rows) in before.items() if rows} - SHOWS_NO_ROWS
    grown = {what for (what, who), (_, rows) in after.items() if rows > before[what, who][1]}
    assert lists - grown == set(), "no row was added to these: they need a grower in growing.py"


def asked(world: World) -> Asked:
    """How many queries an answer takes and how many rows it has, for every endpoint and whoever may read it."""
    return {
        (endpoint, role): _asked(world, role, endpoint)
        for endpoint in READS
        if endpoint not in STREAMS
        for role, status in zip(ROLES, TABLE[endpoint], strict=True)
        if status == 200 and role in ASKING
    }


def _asked(world: World, role: str, endpoint: str) -> tuple[int, int]:
    sent = made(world, endpoint)
    ask_as(world, role, endpoint, sent)  # whatever is read once per process has been read
    with CaptureQueriesContext(connection) as queries:
        response = ask_as(world, role, endpoint, sent)
    assert response.status_code == 200, response.content
    body = response.json() if "json" in response.headers["Content-Type"] else None
    return len(queries), _rows(body)


def _rows(body: Any) -> int:
    """How many objects stand in lists, at any depth."""
    match body:
        case list():
            return len([item for item in body if isinstance(item, dict)]) + sum(map(_rows, body))
        case dict():
            return sum(map(_rows, body.values()))
    return 0
