"""Turning the clock: site, jobs and Stripe sandbox walk together, exact to the moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.test import Client

from bookings.models import Booking, BookingEvent, MailLog
from common import clock
from instainstru.schedules import JOBS
from payments.models import MoneyPlan, StripeEventInbox
from payments.vocabulary import Outcome, PaymentStatus
from sandbox_mode import agenda, walker
from tests.support.cast import HOUR, make_cast, soon
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("house")
MINUTE = timedelta(minutes=1)


def stripe_now() -> datetime:
    answer = httpx.get(f"{settings.STRIPE_API_BASE}/_sandbox/clock").json()
    return datetime.fromtimestamp(answer["timestamp"], UTC)


def post(path: str, body: Any = None) -> Any:
    return Client().post(f"/sandbox/{path}", body, content_type="application/json")


def at_of(booking: Booking, kind: str) -> datetime:
    return BookingEvent.objects.get(booking=booking, kind=kind).at


def assert_exact(booking: Booking) -> None:
    """Held at the first 5-minute tick from T−24 h on, charged at the first hour from end+24 h on."""
    held, due = at_of(booking, "hold_placed"), booking.starts_at - 24 * HOUR
    assert timedelta() <= held - due < 5 * MINUTE
    assert (held.minute % 5, held.second, held.microsecond) == (0, 0, 0)
    charged, due = at_of(booking, "payment_settled"), booking.ends_at + 24 * HOUR
    assert timedelta() <= charged - due < HOUR
    assert (charged.minute, charged.second, charged.microsecond) == (0, 0, 0)


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


def test_a_hold_and_a_charge_come_at_their_first_tick() -> None:
    now = clock.now()
    cast = make_cast(now)
    booking = cast.lesson(soon(50).replace(minute=30), now=now)
    done = walker.walk(booking.ends_at + 26 * HOUR)
    booking = Booking.objects.select_related("payment").get(pk=booking.pk)
    assert (booking.status, booking.payment.status) == ("COMPLETED", PaymentStatus.SETTLED)
    assert booking.payment.settlement_outcome == Outcome.LESSON_COMPLETED
    assert_exact(booking)
    worked = {ran.name for ran in done.jobs if ran.processed}
    assert worked >= {"process_scheduled_authorizations", "capture_completed_lessons"}
    waiting_for_morning = Q(not_before__gt=clock.now())
    assert not MailLog.objects.filter(sent_at=None).exclude(waiting_for_morning).exists()


def test_elapsed_hours_count_across_a_clock_change() -> None:
    """A lesson on the day New York's clocks go forward: held 24 hours before, which is another time on the wall."""
    zone = ZoneInfo("America/New_York")
    year = clock.now().year + 1
    second_sunday = next(day for day in range(8, 15) if datetime(year, 3, day, tzinfo=zone).weekday() == 6)
    starts_at = datetime(year, 3, second_sunday, 12, tzinfo=zone).astimezone(UTC)
    walker.walk(starts_at - timedelta(days=3), run_jobs=False)
    now = clock.now()
    booking = make_cast(now).lesson(starts_at, now=now)
    walker.walk(booking.ends_at + 25 * HOUR)
    assert_exact(booking)
    held = at_of(booking, "hold_placed").astimezone(zone)
    assert (starts_at.astimezone(zone).hour, held.hour) == (12, 11)


def test_many_lessons_are_walked_through_and_none_is_late() -> None:
    now = clock.now()
    cast = make_cast(now)
    lessons = [cast.lesson(soon(25).replace(minute=0) + n * 75 * MINUTE, now=now) for n in range(8)]
    walker.walk(lessons[-1].ends_at + 26 * HOUR)
    for booking in lessons:
        assert_exact(booking)


def test_only_moving_the_clock_runs_nothing() -> None:
    now = clock.now()
    booking = make_cast(now).lesson(soon(30), now=now)
    answer = post("clock", {"to": f"{now + 20 * HOUR:%Y-%m-%dT%H:%M:%SZ}", "run_jobs": False}).json()
    assert answer["jobs"] == []
    booking.refresh_from_db()
    assert booking.payment_status == PaymentStatus.SCHEDULED
    assert abs(clock.now() - stripe_now()) < timedelta(seconds=1)


def test_a_decision_that_could_not_be_carried_out_is_carried_on_on_the_way(sandbox: Sandbox) -> None:
    now = clock.now()
    cast = make_cast(now)
    booking = cast.lesson(soon(30), now=now)
    fault = sandbox.control(
        "POST", "faults", method="POST", path="/v1/payment_intents/*/confirm", kind="500", count=1000
    )
    walker.walk(booking.starts_at - 24 * HOUR + 5 * MINUTE)
    assert MoneyPlan.objects.filter(finished_at=None).count() == 1
    httpx.delete(f"{settings.STRIPE_API_BASE}/_sandbox/faults/{fault['id']}")
    walker.walk(clock.now() + HOUR)
    booking.refresh_from_db()
    assert booking.payment_status == PaymentStatus.AUTHORIZED
    assert not MoneyPlan.objects.filter(finished_at=None).exists()


def test_the_site_catches_up_with_a_stripe_sandbox_that_was_turned_by_itself(sandbox: Sandbox) -> None:
    sandbox.control("POST", "clock", advance_seconds=7200)
    walker.walk(clock.now() + HOUR)
    assert abs(clock.now() - stripe_now()) < timedelta(seconds=1)


def test_one_walk_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [walker.LOCK])
        try:
            answer = post("clock", {"advance_seconds": 60})
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [walker.LOCK])
    assert (answer.status_code, answer.json()["code"]) == (409, "clock_in_motion")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "advance_seconds"),
        ({"advance_seconds": 60, "to": "2099-01-01T00:00:00Z"}, "advance_seconds"),
        ({"advance_seconds": -1}, "advance_seconds"),
        ({"advance_seconds": "60"}, "advance_seconds"),
        ({"advance_seconds": True}, "advance_seconds"),
        ({"advance_seconds": 1e300}, "advance_seconds"),
        ({"to": "2001-01-01T00:00:00Z"}, "to"),
        ({"to": "tomorrow"}, "to"),
        ({"to": "2099-01-01T00:00:00"}, "to"),
        ({"to": "2099-01-01T00:00:00Z"}, "to"),
        ({"advance_seconds": 60, "run_jobs": "perhaps"}, "run_jobs"),
    ],
)
def test_a_clock_that_cannot_be_turned_so_says_why(body: dict[str, Any], field: str) -> None:
    answer = post("clock", body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], list(answer.json()["errors"])) == ("invalid", [field])
    assert clock.offset() == timedelta()


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"advance_seconds": NaN}'])
def test_a_body_that_cannot_be_read(text: str) -> None:
    answer = post("clock", text)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_every_job_says_when_it_is_due_or_is_asked_at_every_tick() -> None:
    """A new job without a word about its next work is run at each of its ticks: nothing is skipped by mistake."""
    silent = [job.name for job in JOBS if job.next_due is None and job.name not in agenda.WAITING]
    assert all(job.every >= timedelta(days=1) for job in JOBS if job.name in silent)


def test_one_job_runs_now() -> None:
    now = clock.now()
    booking = make_cast(now).lesson(soon(30), now=now)
    walker.walk(booking.starts_at - 23 * HOUR, run_jobs=False)
    answer = post("jobs/process_scheduled_authorizations").json()
    assert (answer["name"], answer["processed"], answer["results"]) == (
        "process_scheduled_authorizations",
        1,
        {"authorized": 1},
    )
    unknown = post("jobs/make_coffee")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert "capture_completed_lessons" in unknown.json()["detail"]
    assert post("jobs/capture_late_cancellation").status_code == 400
    on_demand = post("jobs/capture_late_cancellation", {"booking_id": booking.pk}).json()
    assert (on_demand["name"], on_demand["processed"]) == ("capture_late_cancellation", 0)


def test_settling_says_that_all_is_quiet() -> None:
    answer = post("settle").json()
    assert answer["quiet"] is True
    assert not StripeEventInbox.objects.filter(processed_at=None).exists()
