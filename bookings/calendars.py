"""Lessons for calendar programs (RFC 5545): one lesson, or all of somebody's under a private address.

A lesson keeps its UID through every move: calendars move the entry. SEQUENCE is how much has happened to it.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from accounts.models import User
from bookings.models import Booking, BookingEvent, CalendarFeed
from bookings.state_machine import BookingStatus
from catalog.local_time import steady_periods, zone_of
from catalog.models import Modality
from common.actors import Role
from common.clock import DAY
from common.problems import NotFound

LOOKS_BACK = 90 * DAY
MOST_LESSONS = 2_000
REFRESH = timedelta(hours=1)
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
B = BookingStatus
STATUS = {B.PENDING: "TENTATIVE", B.CANCELLED: "CANCELLED"}  # everything else is CONFIRMED


# --- The private address ---------------------------------------------------------------------------------------------
def open_feed(*, user: User, now: datetime) -> str:
    """A new private address for somebody; an earlier one ends. Returns its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(user=user, defaults={"token_hash": _hash(token), "created_at": now})
    return token


def close_feed(*, user: User) -> None:
    """The address ends; nothing happens when there is none."""
    CalendarFeed.objects.filter(user=user).delete()


def reader_of(token: str) -> User:
    """Whose address it is. Raises NotFound for one that ended, never was, or whose owner was shut out. One query."""
    feed = CalendarFeed.objects.select_related("user").filter(token_hash=_hash(token), user__is_active=True).first()
    if feed is None:
        raise NotFound("There is no such calendar.")
    return feed.user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


# --- Which lessons ---------------------------------------------------------------------------------------------------
def lessons_of(user: User, *, now: datetime) -> "QuerySet[Any]":
    """What somebody takes and teaches, from 90 days ago on; each once, as it now stands. One query."""
    if user.role not in (Role.STUDENT, Role.INSTRUCTOR):
        nothing: QuerySet[Any] = Booking.objects.none()
        return nothing
    mine = {user.role: user}  # the field has the role's name
    lessons = Booking.objects.filter(**mine, rescheduled_to=None, starts_at__gte=now - LOOKS_BACK)
    never_stood = lessons.filter(status=B.CANCELLED, confirmed_at=None) | lessons.filter(
        status=B.PENDING, holds_slot=False
    )
    found = _whole(lessons.exclude(pk__in=never_stood.values("pk")))
    return found.order_by("starts_at", "pk")[:MOST_LESSONS]


def lesson_as_it_stands(booking: Booking) -> Booking:
    """The booking that the lesson is now: its last one, when it was moved. One query."""
    chain = Booking.objects.filter(payment=booking.payment_id, rescheduled_to=None)
    lesson: Booking = _whole(chain).order_by("-created_at", "-pk")[0]
    return lesson


def _whole(lessons: QuerySet[Booking]) -> "QuerySet[Any, Any]":
    """With people and service, and how much has happened to the lesson through all its bookings, and when last."""
    events = BookingEvent.objects.filter(booking__payment=OuterRef("payment")).order_by().values("booking__payment")
    return lessons.select_related("student", "instructor", "service").annotate(
        happened=Coalesce(Subquery(events.annotate(count=Count("pk")).values("count")), 0),
        last_happened=Coalesce(Subquery(events.annotate(last=Max("at")).values("last")), "created_at"),
    )


# --- What a calendar program reads -----------------------------------------------------------------------------------
def calendar_of(lessons: Iterable[Booking], *, reader: User) -> bytes:
    """An iCalendar file of lessons, as their reader may see them. The same lessons give the same bytes."""
    lessons = list(lessons)
    calendar = Calendar()
    calendar.add("prodid", "-//InstaInstru//Lessons//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "InstaInstru")
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    for name in sorted({lesson.timezone for lesson in lessons} - {"UTC"}):
        times = [at for lesson in lessons if lesson.timezone == name for at in (lesson.starts_at, lesson.ends_at)]
        calendar.add_component(vtimezone(zone_of(name), since=min(times), until=max(times)))
    for lesson in lessons:
        calendar.add_component(_event(lesson, reader))
    return bytes(calendar.to_ical())


def vtimezone(zone: ZoneInfo, *, since: datetime, until: datetime) -> Timezone:
    """A zone as RFC 5545 tells it: each change of the clocks from a year before to a year after, by the clock before it."""
    component = Timezone()
    component.add("tzid", zone.key)
    periods = list(steady_periods(zone, since - 366 * DAY, until + 366 * DAY))
    before = periods[0][1]
    for (starts, _), offset in periods:
        local = starts.astimezone(zone)
        change = TimezoneDaylight() if local.dst() else TimezoneStandard()
        change.add("dtstart", (starts + before).replace(tzinfo=None, microsecond=0))
        change.add("tzoffsetfrom", before)
        change.add("tzoffsetto", offset)
        change.add("tzname", local.tzname() or zone.key)
        component.add_component(change)
        before = offset
    return component


def _event(lesson: Any, reader: User) -> Event:
    zone = UTC if lesson.timezone == "UTC" else zone_of(lesson.timezone)
    other = {lesson.student_id: lesson.instructor, lesson.instructor_id: lesson.student}.get(reader.pk)
    people = f"with {other.public_name}" if other else f"{lesson.student.public_name}, {lesson.instructor.public_name}"
    event = Event()
    event.add("uid", f"{lesson.payment_id}@{urlsplit(settings.SITE_URL).hostname}")
    event.add("sequence", lesson.happened)
    event.add("dtstamp", lesson.last_happened.astimezone(UTC).replace(microsecond=0))
    event.add("last-modified", lesson.last_happened.astimezone(UTC).replace(microsecond=0))
    event.add("created", lesson.created_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", lesson.starts_at.astimezone(zone))
    event.add("dtend", lesson.ends_at.astimezone(zone))
    event.add("summary", _plain(f"{lesson.service.name} {people}"))
    event.add("status", STATUS.get(lesson.status, "CONFIRMED"))
    event.add("transp", "TRANSPARENT" if lesson.status == B.CANCELLED else "OPAQUE")
    event.add("location", _plain(lesson.address) if lesson.address else Modality(lesson.location_type).label)
    if lesson.note:
        event.add("description", _plain(lesson.note))
    return event


def _plain(text: str) -> str:
    """Without characters that no calendar can show; commas, semicolons and line ends are escaped by icalendar."""
    return UNPRINTABLE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
