"""The stories' cast, on a ground where our ledger and Stripe may be made to differ."""

from datetime import datetime

import pytest

from common import clock
from tests.support.cast import Cast, make_cast


@pytest.fixture
def now(house: None) -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(now: datetime) -> Cast:
    return make_cast(now)
