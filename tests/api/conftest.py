"""Clients of the API: nobody, a student, an instructor, support."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Service
from common import clock
from common.actors import Role
from tests.support.cast import Cast, make_cast
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

from .talking import Api


@pytest.fixture(autouse=True)
def _unhurried(settings: Any) -> None:
    """Limits per minute do not get in the way of stories; the tests about limits set their own."""
    settings.RATE_LIMITS_PER_MINUTE = dict.fromkeys(("read", "write", "money", "login"), 1_000_000)


@pytest.fixture
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute, or the quarter of an hour, in which requests are counted does not end during the test."""
    monkeypatch.setattr("common.token_bucket.current_window", lambda window_seconds: 1)


@pytest.fixture
def anybody() -> APIClient:
    return client_of(None)


@pytest.fixture
def student(database: None) -> User:
    return UserFactory.create(email="student@example.com", password="sandbox")


@pytest.fixture
def service(database: None) -> Service:
    """Piano at $120 an hour, by the one instructor of these tests."""
    return ServiceFactory.create(instructor=InstructorFactory.create(user__email="instructor@example.com"))


@pytest.fixture
def instructor(service: Service) -> User:
    return service.instructor.user


@pytest.fixture
def staff(database: None) -> User:
    """Support that may see and move money."""
    person = UserFactory.create(email="staff@example.com", role=Role.STAFF, first_name="Sue", last_name="Support")
    person.user_permissions.set(Permission.objects.filter(codename__in=("view_financials", "manage_financials")))
    return person


@pytest.fixture
def clerk(database: None) -> User:
    """Support without any permission about money."""
    return UserFactory.create(email="clerk@example.com", role=Role.STAFF)


@pytest.fixture
def cast(house: None) -> Cast:
    return make_cast(clock.now())


@pytest.fixture
def student_api(cast: Cast) -> Api:
    return Api(client_of(cast.student.user))


@pytest.fixture
def instructor_api(cast: Cast) -> Api:
    return Api(client_of(cast.instructor.user))


@pytest.fixture
def staff_api(cast: Cast) -> Api:
    return Api(client_of(cast.staff.user))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let the doors open at another instant; Stripe's sandbox keeps its own time."""

    def move(instant: datetime) -> None:
        monkeypatch.setattr("bookings.api.base.clock.now", lambda: instant)

    return move


def client_of(user: User | None) -> APIClient:
    """A client that is logged in by token as this person, with the second factor."""
    from sandbox_mode.people import access_token

    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    if user:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(user)}")
    return client
