"""When an instructor can be booked: weekly hours and exceptions in their own zone, and the free slots that the rules leave.

A lesson's length is elapsed time: across a clock change an hour stays an hour (policy 2).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import DAY

from .booking_rules import FURTHEST, QUARTER, TRAVELS_TO, BookingRules, Habits, Lesson, joined
from .local_time import Range, instants_of, steady_periods, zone_of
from .models import AvailabilityException, InstructorProfile, WeeklyHours

MIDNIGHT = time(0)
LONGEST_SEARCH = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours of one day on the wall; `ends` 00:00 is midnight at its end, so that 00:00-00:00 is the whole day."""

    starts: time = MIDNIGHT
    ends: time = MIDNIGHT

    def on(self, day: date) -> Range:
        """The stretch on a date, as wall-clock times."""
        last = day + DAY if self.ends == MIDNIGHT else day
        return datetime.combine(day, self.starts), datetime.combine(last, self.ends)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An instructor's hours as plain values. `weekly` by weekday (0 is Monday); `extra` and `closed` by date."""

    zone: ZoneInfo
    weekly: dict[int, list[Stretch]]
    extra: dict[date, list[Stretch]]
    closed: dict[date, list[Stretch]]

    def open_ranges(self, since: datetime, until: datetime) -> list[Range]:
        """When lessons may take place within [since, until), in order; stretches that touch are one."""
        periods = list(steady_periods(self.zone, since, until))
        hours, closed = [], []
        for day in self._days(since, until):
            for stretch in [*self.weekly.get(day.weekday(), []), *self.extra.get(day, [])]:
                hours += instants_of(*stretch.on(day), periods)
            for stretch in self.closed.get(day, []):
                closed += instants_of(*stretch.on(day), periods)
        return without(joined(hours), joined(closed))

    def allows(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether [starts_at, ends_at) lies within the hours."""
        return self.open_ranges(starts_at, ends_at) == [(starts_at.astimezone(UTC), ends_at.astimezone(UTC))]

    def _days(self, since: datetime, until: datetime) -> Iterator[date]:
        day, last = since.astimezone(self.zone).date() - DAY, until.astimezone(self.zone).date()
        while day <= last:
            yield day
            day += DAY


def rules_for(
    *,
    instructor: InstructorProfile,
    location_type: str,
    lessons: Iterable[Lesson],
    since: datetime,
    until: datetime,
    now: datetime,
) -> BookingRules:
    """The rules for lessons of that kind within [since, until). `lessons` are the instructor's around then. Two queries."""
    return BookingRules(
        habits=habits_of(instructor),
        travels=location_type in TRAVELS_TO,
        hours=schedule_of(instructor, since=since, until=until).open_ranges(since, until),
        lessons=lessons,
        now=now,
    )


def check_bookable_time(
    *,
    instructor: InstructorProfile,
    location_type: str,
    starts_at: datetime,
    ends_at: datetime,
    lessons: Iterable[Lesson],
    now: datetime,
) -> None:
    """Whether a lesson may be booked then. `lessons` are those that the instructor has around it, a day to each side.

    Raises LessonInPast, NotOnQuarterHour, TooFarAhead, TooShortNotice, OvernightProtection, OutsideHours or
    BookingConflict. Two queries.
    """
    rules = rules_for(
        instructor=instructor, location_type=location_type, lessons=lessons, since=starts_at, until=ends_at, now=now
    )
    rules.refuse(starts_at, ends_at)


def free_slots(
    *,
    instructor: InstructorProfile,
    location_type: str,
    since: datetime,
    until: datetime,
    duration_minutes: int,
    lessons: Iterable[Lesson] = (),
    now: datetime,
) -> list[datetime]:
    """The quarter hours within [since, until) at which a lesson of that length can start, as UTC instants in order.

    The lesson may end after `until`. `lessons` are those that the instructor has, a day to each side. At most 92 days are
    searched. Raises ValueError for a length below a minute.
    """
    if duration_minutes < 1:
        raise ValueError(f"A lesson lasts at least a minute, not {duration_minutes}")
    length = timedelta(minutes=duration_minutes)
    first, until = max(since, now), min(until, since + LONGEST_SEARCH, now + FURTHEST + QUARTER)
    if first >= until:
        return []
    rules = rules_for(
        instructor=instructor, location_type=location_type, lessons=lessons, since=first, until=until + length, now=now
    )
    return list(rules.free_starts(first, until, length))


def habits_of(instructor: InstructorProfile) -> Habits:
    """What an instructor asks for. One query for the zone unless `user` is loaded."""
    return Habits(
        zone=zone_of(instructor.user.timezone),
        buffer_minutes=instructor.buffer_minutes,
        travel_buffer_minutes=instructor.travel_buffer_minutes,
        notice_minutes=instructor.minimum_notice_minutes,
        travel_notice_minutes=instructor.travel_notice_minutes,
        protects_nights=instructor.overnight_protection,
    )


def schedule_of(instructor: InstructorProfile, *, since: datetime, until: datetime) -> Schedule:
    """An instructor's hours around [since, until). Two queries, and one for the zone unless `user` is loaded."""
    return schedules_of([instructor], since=since, until=until)[instructor.pk]


def schedules_of(
    instructors: Collection[InstructorProfile], *, since: datetime, until: datetime
) -> dict[str, Schedule]:
    """The hours of many instructors by user id, in two queries; load `user` with them."""
    schedules = {one.pk: Schedule(zone_of(one.user.timezone), {}, {}, {}) for one in instructors}
    for hours in WeeklyHours.objects.filter(instructor__in=schedules):
        stretches = schedules[hours.instructor_id].weekly.setdefault(hours.weekday, [])
        stretches.append(Stretch(hours.starts, hours.ends))
    dates = (since.astimezone(UTC).date() - 2 * DAY, until.astimezone(UTC).date() + DAY)  # in any zone
    for exception in AvailabilityException.objects.filter(instructor__in=schedules, date__range=dates):
        schedule = schedules[exception.instructor_id]
        by_date = schedule.extra if exception.is_available else schedule.closed
        stretch = Stretch(exception.starts or MIDNIGHT, exception.ends or MIDNIGHT)
        by_date.setdefault(exception.date, []).append(stretch)
    return schedules


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """What is left of ranges when others are taken out. Both in order, without overlaps."""
    left = list(ranges)
    for start, end in taken:
        cut = []
        for a, b in left:
            if end <= a or b <= start:
                cut.append((a, b))
                continue
            cut += [part for part in ((a, start), (end, b)) if part[0] < part[1]]
        left = cut
    return left
