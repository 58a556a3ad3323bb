"""When an instructor can be booked: weekly hours and exceptions in their own zone, minimum notice, free slots.

A lesson's length is elapsed time: across a clock change an hour stays an hour (policy 2).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import DAY
from common.problems import Refused

from .local_time import Range, instants_of, steady_periods, zone_of
from .models import AvailabilityException, InstructorProfile, WeeklyHours

QUARTER = timedelta(minutes=15)
MIDNIGHT = time(0)
LONGEST_SEARCH = timedelta(days=92)


class LessonInPast(Refused):
    code, title = "starts_in_past", "The lesson would start in the past"
    remedy = "Choose a time to come."


class TooShortNotice(Refused):
    """The instructor wants to know earlier; `notice_minutes` says how much."""

    code, title = "notice_too_short", "The instructor needs more notice"
    remedy = "Choose a later time: `instructors/{id}/availability` lists them."


class OutsideHours(Refused):
    code, title = "outside_availability", "The instructor does not teach at that time"
    remedy = "Choose one of the times that `instructors/{id}/availability` lists."


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


def check_bookable_time(
    *, instructor: InstructorProfile, starts_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """Whether a lesson may be booked then, other lessons apart.

    Raises LessonInPast, TooShortNotice or OutsideHours. Two queries.
    """
    if starts_at <= now:
        raise LessonInPast(f"{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} is over.")
    if starts_at < now + notice_of(instructor):
        raise TooShortNotice(
            f"Book at least {instructor.minimum_notice_minutes} minutes ahead.",
            notice_minutes=instructor.minimum_notice_minutes,
        )
    if not schedule_of(instructor, since=starts_at, until=ends_at).allows(starts_at, ends_at):
        raise OutsideHours("The instructor does not teach at that time; choose one of the free times.")


def free_slots(
    *,
    instructor: InstructorProfile,
    since: datetime,
    until: datetime,
    duration_minutes: int,
    busy: Iterable[Range] = (),
    now: datetime,
) -> list[datetime]:
    """The quarter hours within [since, until) at which a lesson of that length can start, as UTC instants in order.

    The lesson may end after `until`. `busy` are the ranges in which the instructor (or the student) has lessons
    already: they may overlap and come in any order. At most 92 days are searched. Raises ValueError for a length below
    a minute.
    """
    if duration_minutes < 1:
        raise ValueError(f"A lesson lasts at least a minute, not {duration_minutes}")
    length = timedelta(minutes=duration_minutes)
    first = max(since, now + notice_of(instructor), now + timedelta(microseconds=1))
    until = min(until, since + LONGEST_SEARCH)
    if first >= until:
        return []
    hours = schedule_of(instructor, since=first, until=until + length).open_ranges(first, until + length)
    slots = []
    for start, end in without(hours, joined(busy)):
        at = _next_quarter(start)
        while at + length <= end and at < until:
            slots.append(at)
            at += QUARTER
    return slots


def notice_of(instructor: InstructorProfile) -> timedelta:
    """How long before its start a lesson must be booked."""
    return timedelta(minutes=instructor.minimum_notice_minutes)


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


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, those that touch or overlap made one."""
    result: list[Range] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


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


def _next_quarter(instant: datetime) -> datetime:
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - instant) // QUARTER) * QUARTER
