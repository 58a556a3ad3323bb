"""The stories' cast and clock: `now` is the moment the story begins."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from bookings.audit import audit
from common import clock
from tests.support.cast import Cast, make_cast


@pytest.fixture
def now(house: None) -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(now: datetime) -> Iterator[Cast]:
    """A student with a good card, an instructor at 1200 bps and 12000 cents an hour, somebody of staff.

    Whatever a story tells, in the end every invariant holds.
    """
    yield make_cast(now)
    assert [str(violation) for violation in audit()] == []
