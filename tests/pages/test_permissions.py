"""Every page for every wrong visitor: the table in permissions.txt, and no page without a row."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from bookings.models import Booking
from bookings.queries import bookings_seen_by
from common import clock
from common.actors import Role
from sandbox_mode.people import make_person
from tests.support.cast import Cast, soon

from .conftest import signed_in

get_resolver().url_patterns  # noqa: B018  # makes our kinds of addresses known before the pages' own
from pages.urls import urlpatterns  # noqa: E402

PAGES = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]  # django-allauth's guard themselves
TABLE = Path(__file__).with_name("permissions.txt")
VISITORS = ("anonymous", "other student", "other instructor", "student", "instructor", "staff")
ROWS = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]


@pytest.fixture
def lesson(cast: Cast) -> Booking:
    now = clock.now()
    return cast.lesson(soon(50), now=now)


@pytest.fixture
def visitors(cast: Cast) -> dict[str, Client]:
    now = clock.now()
    return {
        "anonymous": Client(),
        "other student": signed_in(make_person(role=Role.STUDENT, now=now).user),
        "other instructor": signed_in(make_person(role=Role.INSTRUCTOR, now=now, connected=False).user),
        "student": signed_in(cast.student.user),
        "instructor": signed_in(cast.instructor.user),
        "staff": signed_in(cast.staff.user),
    }


def test_every_visitor_is_answered_as_the_table_says(cast: Cast, visitors: dict[str, Client], lesson: Booking) -> None:
    known = {"booking_id": lesson.pk, "instructor_id": lesson.instructor_id}
    known["service_id"] = lesson.service_id
    known["method_id"] = cast.student.payment_method.pk  # type: ignore[union-attr]
    wrong = []
    for method, name, *expected in ROWS:
        address = reverse(name, kwargs={word: known[word] for word in arguments_of(name)})
        for visitor, answer in zip(VISITORS, expected, strict=True):
            response = getattr(visitors[visitor], method.lower())(address)
            if (got := told(response)) != answer:
                wrong.append(f"{method} {name} for {visitor}: {got}, the table says {answer}")
    assert not wrong, "\n".join(wrong)
    assert [(b.pk, b.status, b.payment_status) for b in bookings_seen_by(lesson.student)] == [
        (lesson.pk, "CONFIRMED", "scheduled")
    ], "nothing has moved"


def test_every_page_has_its_rows() -> None:
    listed = {name for _, name, *_ in ROWS}
    assert {pattern.name for pattern in PAGES} == listed, "add a row to tests/pages/permissions.txt"
    reads = {name for method, name, *_ in ROWS if method == "POST"}
    forms = {pattern.name for pattern in PAGES if takes_forms(pattern)}
    assert forms == reads, "a page that takes a form needs a POST row"


def told(response: Any) -> str:
    if response.status_code == 302 and response["Location"].startswith("/account/login/"):
        return "in"
    return str(response.status_code)


def arguments_of(name: str) -> set[str]:
    pattern = next(pattern for pattern in PAGES if pattern.name == name)
    return set(pattern.pattern.converters)


def takes_forms(pattern: URLPattern) -> bool:
    return hasattr(getattr(pattern.callback, "view_class", None), "post")
