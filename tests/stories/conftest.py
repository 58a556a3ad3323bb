"""The stories' cast and clock: `now` is the moment the story begins."""

from datetime import datetime

import pytest

from common import clock
from tests.support.cast import Cast, make_cast


@pytest.fixture
def now(house: None) -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(now: datetime) -> Cast:
    """A student with a good card, an instructor at 1200 bps and 12000 cents an hour, somebody of staff."""
    return make_cast(now)
