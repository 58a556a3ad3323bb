"""No double booking, whoever comes first, however many come at once (invariant 9)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from bookings.models import Booking
from bookings.operations import book_lesson, cancel_booking
from bookings.operations._errors import BookingConflict, InstructorNotPayable
from bookings.policy.pricing import PriceBelowFloor
from catalog.booking_rules import LessonInPast
from catalog.local_time import InvalidLocalTime
from common.actors import Role
from payments.models import Payment
from sandbox_mode.people import make_person
from tests.support.cast import Cast, soon


def spring_forward(now: datetime, hour: int, minute: int = 0) -> datetime:
    """A time on the wall, on the next day at least three days ahead on which New York's clocks go forward."""
    for year in (now.year, now.year + 1):
        march = datetime(year, 3, 8, hour, minute)  # noqa: DTZ001
        sunday = march + timedelta(days=6 - march.weekday())
        if sunday > now.replace(tzinfo=None) + timedelta(days=3):
            break
    return sunday


def test_of_eight_students_at_once_one_gets_the_slot(cast: Cast, now: datetime) -> None:
    start = soon(72)
    students = [make_person(role=Role.STUDENT, now=now, card="pm_card_visa") for _ in range(8)]

    def try_to_book(person: int) -> str:
        try:
            Cast(students[person], cast.instructor, cast.staff).book(start, now=now)
        except BookingConflict:
            return "conflict"
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(try_to_book, range(8)))
    assert answers == ["booked"] + ["conflict"] * 7
    assert (Booking.objects.count(), Payment.objects.count()) == (1, 1)


def test_a_student_takes_one_lesson_at_a_time(cast: Cast, now: datetime) -> None:
    start = soon(72)
    cast.book(start, now=now)
    other = Cast(cast.student, make_person(role=Role.INSTRUCTOR, now=now), cast.staff)
    with pytest.raises(BookingConflict):
        other.book(start + timedelta(minutes=45), now=now)
    other.book(start + timedelta(minutes=60), now=now)


def test_a_cancelled_lesson_frees_its_slot_at_once(cast: Cast, now: datetime) -> None:
    start = soon(72)
    booking = cast.lesson(start, now=now)
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=now)
    assert cast.lesson(start, now=now).status == "CONFIRMED"


def test_the_same_request_books_once(cast: Cast, now: datetime) -> None:
    start = soon(72)
    bookings = {
        book_lesson(
            actor=cast.as_student,
            service_id=cast.instructor.services[0].pk,
            starts_at=start,
            duration_minutes=60,
            location_type="online",
            now=now,
            request_key="one request",
        ).booking.pk
        for _ in range(2)
    }
    assert len(bookings) == 1


def test_what_cannot_be_booked_leaves_nothing(cast: Cast, now: datetime) -> None:
    cheap = make_person(role=Role.INSTRUCTOR, now=now, services=[{"name": "Chess", "hourly_rate_cents": 5999}])
    unready = make_person(role=Role.INSTRUCTOR, now=now, connected=False)
    for instructor, start, refusal in (
        (cast.instructor, now, LessonInPast),
        (cheap, soon(72), PriceBelowFloor),
        (unready, soon(72), InstructorNotPayable),
    ):
        with pytest.raises(refusal):
            Cast(cast.student, instructor, cast.staff).book(start, now=now)
    with pytest.raises(InvalidLocalTime):
        book_lesson(
            actor=cast.as_student,
            service_id=cast.instructor.services[0].pk,
            starts_at=None,
            local_start=spring_forward(now, 2, 30),  # skipped in New York that night
            timezone="America/New_York",
            duration_minutes=60,
            location_type="online",
            now=now,
        )
    assert (Booking.objects.count(), Payment.objects.count()) == (0, 0)


def test_24_hours_are_elapsed_hours_across_a_clock_change(cast: Cast, now: datetime) -> None:
    """The day New York springs forward: 10:00 on Sunday is 23 hours after 10:00 on Saturday."""
    sunday = book_lesson(
        actor=cast.as_student,
        service_id=cast.instructor.services[0].pk,
        starts_at=None,
        local_start=spring_forward(now, 10),
        timezone="America/New_York",
        duration_minutes=60,
        location_type="online",
        now=now,
    ).booking
    cast.check_out(sunday, now=now)
    payment = Payment.objects.get(bookings=sunday.pk)
    assert payment.auth_scheduled_for is not None
    local = payment.auth_scheduled_for.astimezone(ZoneInfo("America/New_York"))
    assert local.replace(tzinfo=None) == spring_forward(now, 9) - timedelta(days=1)
    assert sunday.ends_at - sunday.starts_at == timedelta(minutes=60)
