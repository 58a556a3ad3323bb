"""The cast of the stories, and a price list at Stripe: piano lessons of an hour, one, three or five at once."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from bookings.audit import audit
from common import clock
from tests.api.conftest import client_of
from tests.api.talking import Api
from tests.support.cast import Cast, make_cast

from .shop import Shop, open_shop


@pytest.fixture(autouse=True)
def _unhurried(settings: Any) -> None:
    settings.RATE_LIMITS_PER_MINUTE = dict.fromkeys(("read", "write", "money", "login"), 1_000_000)


@pytest.fixture
def now(house: None) -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(now: datetime) -> Iterator[Cast]:
    """A student with a good card, an instructor at 1200 bps, somebody of staff. In the end every invariant holds."""
    yield make_cast(now)
    assert [str(violation) for violation in audit()] == []


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return open_shop(cast)


@pytest.fixture
def student_api(cast: Cast) -> Api:
    return Api(client_of(cast.student.user))


@pytest.fixture
def staff_api(cast: Cast) -> Api:
    return Api(client_of(cast.staff.user))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let the doors open at another instant; Stripe's sandbox keeps its own time."""

    def move(instant: datetime) -> None:
        monkeypatch.setattr("bookings.api.base.clock.now", lambda: instant)

    return move
