"""Turning the clock: site, jobs and Stripe sandbox walk together, exact to the moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client

from bookings.models import Booking, BookingEvent
from common import clock
from payments.vocabulary import Outcome, PaymentStatus
from sandbox_mode import walker
from tests.support.cast import HOUR, make_cast, soon

pytestmark = pytest.mark.usefixtures("house")


def stripe_now() -> datetime:
    answer = httpx.get(f"{settings.STRIPE_API_BASE}/_sandbox/clock").json()
    return datetime.fromtimestamp(answer["timestamp"], UTC)


def post(path: str, body: Any = None) -> Any:
    return Client().post(f"/sandbox/{path}", body, content_type="application/json")


def at_of(booking: Booking, kind: str) -> datetime:
    return BookingEvent.objects.get(booking=booking, kind=kind).at


def test_both_clocks_walk_together() -> None:
    before = clock.now()
    answer = post("clock", {"advance_seconds": 72 * 3600}).json()
    assert set(answer) == {"now", "jobs", "webhooks"}
    assert clock.now() - before >= timedelta(hours=72)
    assert abs(clock.now() - stripe_now()) < timedelta(seconds=1)
    assert Client().get("/sandbox/clock").json()["now"][:16] == f"{clock.now():%Y-%m-%dT%H:%M}"
    daily = [ran for ran in answer["jobs"] if ran["name"] == "evaluate_instructor_tiers"]
    assert len(daily) == 3
    assert all(ran["at"].endswith("03:15:00Z") for ran in daily)


def test_a_hold_is_placed_at_the_first_tick_from_24_hours_before_and_captured_at_the_first_from_24_hours_after() -> (
    None
):
    now = clock.now()
    cast = make_cast(now)
    starts_at = soon(50).replace(minute=15)  # an hour whose ticks are not those of the capture job
    booking = cast.lesson(starts_at + timedelta(minutes=15), now=now)
    booking.refresh_from_db()
    done = walker.walk(booking.ends_at + 26 * HOUR)
    booking = Booking.objects.select_related("payment").get(pk=booking.pk)
    assert (booking.status, booking.payment.status) == ("COMPLETED", PaymentStatus.SETTLED)
    assert booking.payment.settlement_outcome == Outcome.LESSON_COMPLETED
    held, due = at_of(booking, "hold_placed"), booking.starts_at - 24 * HOUR
    assert timedelta() <= held - due < timedelta(minutes=5)
    assert (held.minute % 5, held.second) == (0, 0)
    captured, due = at_of(booking, "payment_settled"), booking.ends_at + 24 * HOUR
    assert timedelta() <= captured - due < HOUR
    assert (captured.minute, captured.second, captured.microsecond) == (0, 0, 0)
    assert {ran.name for ran in done.jobs if ran.processed} >= {
        "process_scheduled_authorizations",
        "capture_completed_lessons",
    }
