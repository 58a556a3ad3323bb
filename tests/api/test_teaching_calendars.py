"""Lessons in calendar programs: the entry that moves, is cancelled, and tells no full name; the private address."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar
from rest_framework.test import APIClient

from accounts.models import User
from bookings.calendars import vtimezone
from bookings.models import Booking, BookingEvent, CalendarFeed
from catalog.models import Service
from common import clock
from tests.support.factories import UserFactory

from .conftest import client_of
from .test_booking_documents import make_booking

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEED = "/api/v1/me/calendar-feed"


def happened(booking: Booking, kind: str) -> None:
    BookingEvent.objects.create(booking=booking, kind=kind, at=clock.now(), actor_role="student", door="api")


def confirmed(student: User, service: Service, starts_at: datetime, **other: Any) -> Booking:
    booking = make_booking(student, service, starts_at, status="CONFIRMED", confirmed_at=clock.now(), **other)
    happened(booking, "booking_created")
    happened(booking, "booking_confirmed")
    return booking


def moved(booking: Booking, by: timedelta) -> Booking:
    """The same lesson at another time."""
    Booking.objects.filter(pk=booking.pk).update(  # house: status because rows are made as they would be
        status="CANCELLED", holds_slot=False, cancelled_at=clock.now()
    )
    new: Booking = Booking.objects.get(pk=booking.pk)
    new.pk, new.rescheduled_from_id, new._state.adding = Booking().pk, booking.pk, True
    fresh: Booking = Booking.objects.create(
        **{field.attname: getattr(new, field.attname) for field in Booking._meta.concrete_fields}
        | {"status": "CONFIRMED", "holds_slot": True, "starts_at": new.starts_at + by, "ends_at": new.ends_at + by}
    )
    happened(booking, "booking_moved_away")
    happened(fresh, "booking_rescheduled")
    return fresh


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


def event_of(client: APIClient, booking: Booking) -> Any:
    [event] = events(client.get(f"/api/v1/bookings/{booking.pk}/calendar.ics"))
    return event


@pytest.fixture
def starts_at() -> datetime:
    return clock.now().replace(minute=0, second=0, microsecond=0) + 10 * DAY


def test_a_lesson_in_its_own_zone_without_full_names(
    student: User, instructor: User, service: Service, starts_at: datetime
) -> None:
    note = "Bring: scales, Bach; and\r\na \\ pencil\x0b"
    lesson = confirmed(student, service, starts_at, address="1 Main St; Apt 2, Springfield", note=note)
    mine, theirs = event_of(client_of(student), lesson), event_of(client_of(instructor), lesson)
    assert str(mine["SUMMARY"]) == "Piano with Ina I."
    assert str(theirs["SUMMARY"]) == "Piano with Sam S."
    assert mine["DTSTART"].dt == starts_at
    assert mine["DTSTART"].params["TZID"] == "America/New_York"
    assert mine["DTEND"].dt - mine["DTSTART"].dt == HOUR
    assert (str(mine["STATUS"]), str(mine["LOCATION"])) == ("CONFIRMED", "1 Main St; Apt 2, Springfield")
    assert str(mine["DESCRIPTION"]) == "Bring: scales, Bach; and\na \\ pencil "
    raw = client_of(instructor).get(f"/api/v1/bookings/{lesson.pk}/calendar.ics").content.decode()
    assert "Student" not in raw
    assert student.email not in raw
    assert all(len(line.encode()) <= 75 for line in raw.split("\r\n"))


def test_a_moved_lesson_is_the_same_entry_and_a_cancelled_one_says_so(
    student: User, service: Service, starts_at: datetime
) -> None:
    client = client_of(student)
    first = confirmed(student, service, starts_at)
    before = event_of(client, first)
    second = moved(first, 2 * DAY)
    after = event_of(client, second)
    assert after["UID"] == before["UID"]
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert after["DTSTART"].dt == starts_at + 2 * DAY
    assert str(after["STATUS"]) == "CONFIRMED"
    assert event_of(client, first) == after  # asked by its old number: the lesson as it stands
    Booking.objects.filter(pk=second.pk).update(  # house: status because rows are made as they would be
        status="CANCELLED", holds_slot=False
    )
    happened(second, "booking_cancelled")
    over = event_of(client, second)
    assert (over["UID"], str(over["STATUS"])) == (before["UID"], "CANCELLED")
    assert int(over["SEQUENCE"]) > int(after["SEQUENCE"])


def test_somebody_elses_lesson_is_not_there(student: User, service: Service, starts_at: datetime) -> None:
    lesson = confirmed(student, service, starts_at)
    stranger = client_of(UserFactory.create())
    assert stranger.get(f"/api/v1/bookings/{lesson.pk}/calendar.ics").status_code == 404
    assert client_of(None).get(f"/api/v1/bookings/{lesson.pk}/calendar.ics").status_code == 401


# --- The private address ---------------------------------------------------------------------------------------------
def opened(client: APIClient) -> str:
    made = client.post(FEED, headers={"Idempotency-Key": "never kept"})
    assert made.status_code == 201
    assert made.json()["url"].endswith(f"/api/v1/calendar/{made.json()['token']}.ics")
    return f"/api/v1/calendar/{made.json()['token']}.ics"


def test_the_address_is_shown_once_and_ends_when_it_is_closed(
    student: User, service: Service, starts_at: datetime
) -> None:
    client, anybody = client_of(student), client_of(None)
    assert client.get(FEED).json() == {"is_open": False, "created_at": None}
    confirmed(student, service, starts_at)
    address = opened(client)
    token = address.rpartition("/")[2].removesuffix(".ics")
    shown = client.get(FEED).json()
    assert shown["is_open"] is True
    assert token not in str(shown)
    assert token not in str(CalendarFeed.objects.values())
    assert len(events(anybody.get(address))) == 1
    another = opened(client)
    assert anybody.get(address).status_code == 404
    assert len(events(anybody.get(another))) == 1
    assert client.delete(FEED).status_code == 204
    assert client.delete(FEED).status_code == 204
    for ended in (address, another, "/api/v1/calendar/nonsense.ics", "/api/v1/calendar/%00.ics"):
        problem = anybody.get(ended)
        assert (problem.status_code, problem["Content-Type"]) == (404, "application/problem+json")
    third = opened(client)
    student.is_active = False
    student.save()
    assert anybody.get(third).status_code == 404
    assert client_of(None).post(FEED).status_code == 401


def test_a_feed_holds_what_stands_and_what_was_cancelled_each_once(
    student: User, instructor: User, service: Service, starts_at: datetime
) -> None:
    lesson = moved(confirmed(student, service, starts_at), DAY)
    other = confirmed(UserFactory.create(), service, starts_at + 5 * DAY)
    confirmed(student, service, starts_at + 6 * DAY)
    Booking.objects.filter(starts_at=starts_at + 6 * DAY).update(  # house: status because rows are made so
        status="CANCELLED", holds_slot=False
    )
    make_booking(student, service, starts_at + 7 * DAY)  # not yet paid for: tentative
    make_booking(student, service, starts_at + 8 * DAY, status="CANCELLED", holds_slot=False)  # never was a lesson
    confirmed(student, service, clock.now() - 91 * DAY)  # long ago
    anybody = client_of(None)
    mine = events(anybody.get(opened(client_of(student))))
    assert [(event["DTSTART"].dt, str(event["STATUS"])) for event in mine] == [
        (starts_at + DAY, "CONFIRMED"),
        (starts_at + 6 * DAY, "CANCELLED"),
        (starts_at + 7 * DAY, "TENTATIVE"),
    ]
    assert str(mine[0]["UID"]).startswith(lesson.payment_id)
    taught = events(anybody.get(opened(client_of(instructor))))
    assert other.payment_id in {str(event["UID"]).partition("@")[0] for event in taught}
    assert len(taught) == 4
    staff = UserFactory.create(role="staff")
    assert events(anybody.get(opened(client_of(staff)))) == []


def test_a_program_that_has_it_already_is_told_so(student: User, service: Service, starts_at: datetime) -> None:
    lesson = confirmed(student, service, starts_at)
    address, anybody = opened(client_of(student)), client_of(None)
    first = anybody.get(address)
    same = anybody.get(address, headers={"If-None-Match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    moved(lesson, DAY)
    assert anybody.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_feed_takes_as_many_queries_for_many_as_for_one(student: User, service: Service, starts_at: datetime) -> None:
    anybody = client_of(None)
    confirmed(student, service, starts_at)
    address = opened(client_of(student))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            anybody.get(address)
        counts.append(len(captured))
        for day in range(1, 8) if len(counts) == 1 else ():
            confirmed(student, service, starts_at + day * DAY)
    assert counts[0] == counts[1] <= 4


def test_a_zone_says_when_its_clocks_change_by_the_clock_before() -> None:
    """02:00 in winter time, 02:00 in summer time: not the time after the change (RFC 5545, 3.6.5)."""
    zone = vtimezone(
        ZoneInfo("America/New_York"), since=datetime(2027, 3, 1, tzinfo=UTC), until=datetime(2027, 3, 2, tzinfo=UTC)
    )
    parts: list[Any] = list(zone.subcomponents)
    told = {
        (str(part.name), part["DTSTART"].dt.isoformat(), part["TZOFFSETFROM"].td, part["TZOFFSETTO"].td)
        for part in parts
    }
    assert ("DAYLIGHT", "2027-03-14T02:00:00", -5 * HOUR, -4 * HOUR) in told
    assert ("STANDARD", "2027-11-07T02:00:00", -4 * HOUR, -5 * HOUR) in told
    assert len(told) == 5  # two years with two changes each, and where it begins
