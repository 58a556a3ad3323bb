"""The small cast of the API, and lessons that took place."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bookings.models import Booking
from catalog.models import Service
from common import clock
from tests.api.conftest import _unhurried, anybody, at, clerk, client_of, instructor, service, staff, student
from tests.api.talking import Api
from tests.api.test_booking_documents import make_booking

__all__ = ["_unhurried", "anybody", "at", "clerk", "instructor", "service", "staff", "student"]
DAY = timedelta(days=1)
Given = Callable[..., Booking]


@pytest.fixture
def given(student: User, service: Service) -> Given:
    """A lesson of the student that took place, ended so many days ago."""

    def make(days_ago: float = 1, *, of: User | None = None, by: Service | None = None) -> Booking:
        starts_at: datetime = clock.now() - days_ago * DAY - timedelta(hours=1)
        booking = make_booking(of or student, by or service, starts_at, confirmed_at=starts_at)
        booking.confirm()
        booking.complete()
        booking.completed_at = booking.ends_at
        booking.save()
        return booking

    return make


def api_of(user: User | None) -> Api:
    return Api(client_of(user))


def client(user: User | None) -> APIClient:
    return client_of(user)
