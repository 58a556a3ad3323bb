"""An instructor's hours as one document: read whole, and replaced whole unless somebody else has changed it meanwhile."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.db import transaction

from accounts.models import User
from common.problems import Invalid, Problem

from . import booking_rules as rules
from .availability import MIDNIGHT, Stretch
from .local_time import is_zone
from .models import AvailabilityException, InstructorProfile, WeeklyHours
from .services import create_profile

MOST_WEEKLY, MOST_ON_A_DAY, MOST_EXCEPTIONS, MOST_BLACKOUTS = 84, 12, 366, 366
LONGEST_BUFFER_MINUTES, LONGEST_NOTICE_MINUTES = 480, 30 * 24 * 60
Errors = dict[int, dict[str, list[str]]]
"""What is wrong, by the place of the entry (from 0) and then by its member."""


class StaleHours(Problem):
    """They were changed since they were read. The answer carries their ETag of now."""

    status, code, title = 412, "stale", "Somebody has changed it meanwhile"
    remedy = "Read it again, and save with the ETag of that answer."

    def __init__(self, version: str) -> None:
        super().__init__("It was changed since you read it. Read it again before you save.")
        self.headers = {"ETag": f'"{version}"'}


@dataclass(frozen=True, slots=True, order=True)
class WeeklyStretch:
    """A stretch of a weekday (0 is Monday); `ends` 00:00 is midnight at its end."""

    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class DateStretch:
    """Extra hours of a date, or hours of it that are closed. Without times, the whole day."""

    date: date
    starts: time | None
    ends: time | None
    is_available: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """When an instructor teaches and how they like to be booked; times on the wall of `timezone`."""

    timezone: str
    weekly_hours: tuple[WeeklyStretch, ...] = ()
    exceptions: tuple[DateStretch, ...] = ()
    blackout_days: tuple[date, ...] = ()
    buffer_minutes: int = rules.BUFFER_MINUTES
    travel_buffer_minutes: int = rules.TRAVEL_BUFFER_MINUTES
    minimum_notice_minutes: int = rules.NOTICE_MINUTES
    travel_notice_minutes: int = rules.TRAVEL_NOTICE_MINUTES
    overnight_protection: bool = True

    @property
    def version(self) -> str:
        """The same as long as nothing of it changes."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


HABITS = (
    "buffer_minutes", "travel_buffer_minutes", "minimum_notice_minutes", "travel_notice_minutes",
    "overnight_protection",
)  # fmt: skip
LIMITS = {
    "buffer_minutes": (rules.BUFFER_MINUTES, LONGEST_BUFFER_MINUTES),
    "travel_buffer_minutes": (rules.TRAVEL_BUFFER_MINUTES, LONGEST_BUFFER_MINUTES),
    "minimum_notice_minutes": (rules.NOTICE_MINUTES, LONGEST_NOTICE_MINUTES),
    "travel_notice_minutes": (rules.TRAVEL_NOTICE_MINUTES, LONGEST_NOTICE_MINUTES),
}


def hours_of(instructor: User) -> Hours:
    """An instructor's hours, whole; empty before they have a profile. Three queries."""
    profile = InstructorProfile.objects.filter(pk=instructor.pk).first() or InstructorProfile(user=instructor)
    weekly = WeeklyHours.objects.filter(instructor=profile.pk).order_by("weekday", "starts", "ends", "pk")
    dated = AvailabilityException.objects.filter(instructor=profile.pk).order_by("date", "starts", "ends", "pk")
    exceptions = [DateStretch(one.date, one.starts, one.ends, one.is_available) for one in dated]
    return Hours(
        timezone=instructor.timezone,
        weekly_hours=tuple(WeeklyStretch(one.weekday, one.starts, one.ends) for one in weekly),
        exceptions=tuple(one for one in exceptions if not _is_blackout(one)),
        blackout_days=tuple(one.date for one in exceptions if _is_blackout(one)),
        **{name: getattr(profile, name) for name in HABITS},
    )


def replace_hours(*, instructor: User, hours: Hours, is_current: Callable[[str], bool]) -> Hours:
    """Replace all of an instructor's hours at once, if the version they are asks for no other than the caller has read.

    Lessons already booked stay. Raises Invalid with errors by entry, StaleHours, NotAnInstructor.
    """
    check_hours(hours)
    profile = create_profile(user=instructor)
    with transaction.atomic():
        profile = InstructorProfile.objects.select_for_update(no_key=True).get(pk=profile.pk)
        user = User.objects.select_for_update(no_key=True).get(pk=instructor.pk)
        now_there = hours_of(user)
        if not is_current(now_there.version):
            raise StaleHours(now_there.version)
        _write(profile, user, hours)
        return hours_of(user)


def check_hours(hours: Hours) -> None:
    """Raises Invalid for stretches that overlap or end before they start, unknown zones, and numbers out of bounds."""
    errors: dict[str, Any] = {
        "weekly_hours": _weekly_errors(hours.weekly_hours),
        "exceptions": _exception_errors(hours.exceptions),
        "blackout_days": _blackout_errors(hours.blackout_days),
        "timezone": [] if is_zone(hours.timezone) else ["Use an IANA time zone such as America/New_York."],
    }
    for name, (least, most) in LIMITS.items():
        within = least <= getattr(hours, name) <= most
        errors[name] = [] if within else [f"From {least} to {most} minutes."]
    errors = {name: found for name, found in errors.items() if found}
    if errors:
        raise Invalid(f"Wrong: {', '.join(errors)}.", errors=errors)


def _write(profile: InstructorProfile, user: User, hours: Hours) -> None:
    profile.weekly_hours.all().delete()
    profile.exceptions.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(instructor=profile, weekday=one.weekday, starts=one.starts, ends=one.ends)
        for one in hours.weekly_hours
    )
    blackouts = [DateStretch(day, None, None, is_available=False) for day in hours.blackout_days]
    AvailabilityException.objects.bulk_create(
        AvailabilityException(
            instructor=profile, date=one.date, starts=one.starts, ends=one.ends, is_available=one.is_available
        )
        for one in [*hours.exceptions, *blackouts]
    )
    for name in HABITS:
        setattr(profile, name, getattr(hours, name))
    profile.save(update_fields=HABITS)
    user.timezone = hours.timezone
    user.save(update_fields=["timezone"])


def _is_blackout(one: DateStretch) -> bool:
    return one.starts is None and not one.is_available


def _weekly_errors(entries: Sequence[WeeklyStretch]) -> Errors | list[str]:
    if len(entries) > MOST_WEEKLY:
        return [f"At most {MOST_WEEKLY} stretches."]
    return _stretch_errors([(one.weekday, Stretch(one.starts, one.ends)) for one in entries])


def _exception_errors(entries: Sequence[DateStretch]) -> Errors | list[str]:
    if len(entries) > MOST_EXCEPTIONS:
        return [f"At most {MOST_EXCEPTIONS} exceptions."]
    halves = [place for place, one in enumerate(entries) if (one.starts is None) != (one.ends is None)]
    if halves:
        return {place: {"ends": ["Give both starts and ends, or neither for the whole day."]} for place in halves}
    return _stretch_errors(
        [((one.date, one.is_available), Stretch(one.starts or MIDNIGHT, one.ends or MIDNIGHT)) for one in entries]
    )


def _blackout_errors(days: Sequence[date]) -> list[str]:
    if len(days) > MOST_BLACKOUTS:
        return [f"At most {MOST_BLACKOUTS} days."]
    return [f"{day} is there twice." for day, times in Counter(days).items() if times > 1]


def _stretch_errors(entries: Sequence[tuple[Hashable, Stretch]]) -> Errors:
    """What is wrong with each stretch: it ends before it starts, meets an earlier one of its day, is one too many."""
    errors: Errors = {}
    earlier: dict[Hashable, list[Stretch]] = {}
    for place, (day, stretch) in enumerate(entries):
        others = earlier.setdefault(day, [])
        if stretch.ends != MIDNIGHT and stretch.ends <= stretch.starts:
            errors[place] = {
                "ends": ["A stretch ends after it starts; 00:00 is midnight. Make two of one that goes past it."]
            }
        elif met := [other for other in others if _overlap(stretch, other)]:
            errors[place] = {"starts": [f"Overlaps {met[0].starts:%H:%M}–{met[0].ends:%H:%M}."]}
        elif len(others) >= MOST_ON_A_DAY:
            errors[place] = {"starts": [f"At most {MOST_ON_A_DAY} stretches a day."]}
        others.append(stretch)
    return errors


def _overlap(one: Stretch, other: Stretch) -> bool:
    (starts, ends), (others_start, others_end) = one.on(date.min), other.on(date.min)
    return starts < others_end and others_start < ends
