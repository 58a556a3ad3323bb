"""Browsers without a browser: clients signed in as the cast."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common import clock
from tests.support.cast import Cast, make_cast


@pytest.fixture(autouse=True)
def _unhurried(settings: Any) -> None:
    """Limits per minute do not get in the way of stories."""
    settings.RATE_LIMITS_PER_MINUTE = dict.fromkeys(settings.RATE_LIMITS_PER_MINUTE, 1_000_000)


@pytest.fixture
def cast(house: None) -> Cast:
    return make_cast(clock.now())


@pytest.fixture
def visitor() -> Client:
    return Client()


@pytest.fixture
def student_page(cast: Cast) -> Client:
    return signed_in(cast.student.user)


@pytest.fixture
def instructor_page(cast: Cast) -> Client:
    return signed_in(cast.instructor.user)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let the pages open at another instant; Stripe's sandbox keeps its own time."""

    def move(instant: datetime) -> None:
        monkeypatch.setattr("pages.door.clock.now", lambda: instant)

    return move


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
