"""The free times of an instructor for a week, day by day in the viewer's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.models import Booking
from bookings.queries import lessons_around, lessons_between
from catalog.availability import free_slots
from catalog.local_time import Range
from catalog.models import InstructorProfile
from pages import times

DAY = timedelta(days=1)
WEEK = 7
FURTHEST = 12  # weeks ahead
PARTS = ((6, "Night"), (12, "Morning"), (17, "Afternoon"), (24, "Evening"))  # each until that hour


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which a lesson can start."""

    starts_at: datetime
    value: str
    words: str
    hour: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week that is shown, with its free times."""

    date: date
    short: str
    long: str
    slots: list[Slot]
    is_chosen: bool

    @property
    def parts(self) -> list[tuple[str, list[Slot]]]:
        """Morning, afternoon and evening, as far as anything is free then."""
        parts: dict[str, list[Slot]] = {}
        for slot in self.slots:
            parts.setdefault(next(name for until, name in PARTS if slot.hour < until), []).append(slot)
        return list(parts.items())


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days with their free times, and how to get to the next ones."""

    number: int
    days: list[Day]
    zone: str
    difference: str
    clock_change: str

    @property
    def chosen(self) -> Day | None:
        return next((day for day in self.days if day.is_chosen), None)

    @property
    def earlier(self) -> int | None:
        return self.number - 1 if self.number else None

    @property
    def later(self) -> int | None:
        return self.number + 1 if self.number + 1 < FURTHEST else None


def week_of(
    instructor: InstructorProfile,
    *,
    minutes: int,
    location_type: str,
    zone: ZoneInfo,
    now: datetime,
    number: int = 0,
    day: date | None = None,
    student: User | None = None,
    moving: Booking | None = None,
) -> Week:
    """The week `number` weeks from today. Without `day` the first day with a free time is the chosen one.

    The student's own lessons take their times out too; one that is being moved does not stand in its own way. At most
    four queries.
    """
    first = now.astimezone(zone).date() + number * WEEK * DAY
    since, until = _midnight(first, zone), _midnight(first + WEEK * DAY, zone)
    found = free_slots(
        instructor=instructor,
        location_type=location_type,
        since=since,
        until=until,
        duration_minutes=minutes,
        lessons=lessons_around(
            instructor.pk, since=since, until=until, besides_payment=moving.payment_id if moving else None
        ),
        now=now,
    )
    length = timedelta(minutes=minutes)
    theirs = lessons_between(student.pk, since=since, until=until + DAY) if student else []
    own = (moving.starts_at, moving.ends_at) if moving else None
    found = [at for at in found if (own is None or at != own[0]) and _is_free(at, at + length, theirs, own)]
    by_day: dict[date, list[Slot]] = {first + n * DAY: [] for n in range(WEEK)}
    for at in found:
        if (local := at.astimezone(zone).date()) in by_day:
            by_day[local].append(Slot(at, value_of(at), times.clock_of(at, zone), at.astimezone(zone).hour))
    chosen = day if day in by_day else next((one for one, slots in by_day.items() if slots), first)
    days = [Day(one, f"{one:%a} {one.day}", times.long_day(one), slots, one == chosen) for one, slots in by_day.items()]
    return Week(
        number=number,
        days=days,
        zone=f"{times.place(zone)} time ({times.abbreviation(since, zone)})",
        difference=_difference(since, zone, instructor),
        clock_change=times.clock_change(now, until, zone),
    )


def _is_free(starts: datetime, ends: datetime, taken: list[Range], own: Range | None) -> bool:
    """Whether nothing of a student's takes this time, apart from the lesson that is being moved."""
    return not any(starts < end and start < ends for start, end in taken if (start, end) != own)


def value_of(instant: datetime) -> str:
    """An instant as forms carry it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _difference(at: datetime, zone: ZoneInfo, instructor: InstructorProfile) -> str:
    """`Ines is in Los Angeles, 3 hours earlier`; empty when both read the same clock."""
    theirs = ZoneInfo(instructor.user.timezone)
    gap = (at.astimezone(theirs).utcoffset() or timedelta()) - (at.astimezone(zone).utcoffset() or timedelta())
    if not gap:
        return ""
    way = "later" if gap > timedelta() else "earlier"
    return f"{instructor.user.first_name} is in {times.place(theirs)}, where it is {times.within(abs(gap))} {way}"
