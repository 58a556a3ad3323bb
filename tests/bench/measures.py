"""What is asked all day: by people (lists and details of the API) and by jobs (what is due now)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from bookings import due

from .filling import NOW, Market

TIMES = 7
BIG = ("bookings_booking", "payments_payment", "bookings_bookingevent", "bookings_maillog", "payments_ledgerline")

Ask = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """The best of several runs, in milliseconds; how many statements it took; big tables that were read whole."""

    milliseconds: float
    queries: int
    scanned: tuple[str, ...]


def asked(market: Market) -> Iterator[tuple[str, Ask]]:
    """Everything measured, by its name."""
    student, instructor, staff = (_client(who) for who in (market.student, market.instructor, market.staff))
    one = f"bookings/{market.booking.pk}"
    yield "student: my lessons", lambda: _get(student, "bookings")
    yield "student: upcoming lessons", lambda: _get(student, "bookings/upcoming")
    yield "student: a lesson", lambda: _get(student, one)
    yield "student: its timeline", lambda: _get(student, f"{one}/timeline")
    yield "student: credits", lambda: _get(student, "payments/credits")
    yield "instructor: my lessons", lambda: _get(instructor, "instructor/bookings")
    yield "instructor: to complete", lambda: _get(instructor, "instructor/bookings/pending-completion")
    yield "instructor: completed", lambda: _get(instructor, "instructor/bookings/completed")
    yield "support: all lessons", lambda: _get(staff, "bookings")
    yield "support: payments of one status", lambda: _get(staff, "bookings?payment_status=scheduled")
    for select in (due.holds_due, due.holds_to_retry, due.checkouts_timed_out, due.bookings_abandoned, due.captures_due,
                   due.captures_to_retry, due.no_shows_undisputed, due.holds_expiring, due.mails_to_send):  # fmt: skip
        yield f"job: {select.__name__}", lambda select=select: select(NOW)  # type: ignore[misc]
    for waiting in (due.plans_to_resume, due.events_to_process):
        yield f"job: {waiting.__name__}", waiting
    yield "job: overdue_holds", lambda: due.overdue_holds(NOW)
    for name, next_due in due.NEXT_DUE.items():
        yield f"next due: {name}", next_due


def measure(ask: Ask) -> Measured:
    """Ask a few times, then once more to see the statements and how the database would answer them."""
    best = min(_once(ask) for _ in range(TIMES))
    with CaptureQueriesContext(connection) as seen:
        ask()
    return Measured(best, len(seen), tuple(sorted(set(_scanned(seen.captured_queries)))))


def _once(ask: Ask) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _scanned(queries: list[dict[str, str]]) -> Iterator[str]:
    """Big tables that a statement would read from one end to the other."""
    for query in queries:
        statement = query["sql"]
        if statement.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
            yield from (table for table in BIG if f"Seq Scan on {table}" in plan)


def _client(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def _get(client: APIClient, path: str) -> object:
    answer = client.get(f"/api/v1/{path}")
    if answer.status_code != 200:
        raise RuntimeError(f"GET {path}: {answer.status_code} {answer.content[:300]!r}")
    return answer.content
