"""Which times a student may ask for: one set of pure rules that free slots, the check and booking itself all use (policy 13).

The platform's minimums hold for everybody; an instructor may ask for more. Two lessons need a gap between them, a
lesson needs notice, and what is asked for in the evening cannot be early the next morning.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.problems import Conflict, Problem, Refused

from .local_time import Range

QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
BUFFER_MINUTES, TRAVEL_BUFFER_MINUTES = 15, 60
NOTICE_MINUTES, TRAVEL_NOTICE_MINUTES = 60, 180
FURTHEST = timedelta(days=365)
EVENING = time(20)
MORNING, TRAVEL_MORNING = time(9), time(11)
TRAVELS_TO = frozenset({"student_location", "neutral_location"})


class LessonInPast(Refused):
    code, title = "starts_in_past", "The lesson would start in the past"
    remedy = "Choose a time to come."


class NotOnQuarterHour(Refused):
    code, title = "not_on_quarter_hour", "Lessons start on the quarter hour"
    remedy = "Choose a start at :00, :15, :30 or :45."


class TooFarAhead(Refused):
    """`latest_start` is the last instant that can be booked now."""

    code, title = "too_far_ahead", "The lesson is too far ahead"
    remedy = "Choose a time within the next 365 days."


class TooShortNotice(Refused):
    """The instructor wants to know earlier; `notice_minutes` says how much."""

    code, title = "notice_too_short", "The instructor needs more notice"
    remedy = "Choose a later time: `instructors/{id}/availability` lists them."


class OvernightProtection(Refused):
    """`earliest_start` is the first instant of that morning that can still be booked."""

    code, title = "overnight_protection", "Too early in the morning to be asked for overnight"
    remedy = "Choose a start from `earliest_start` on."


class OutsideHours(Refused):
    code, title = "outside_availability", "The instructor does not teach at that time"
    remedy = "Choose one of the times that `instructors/{id}/availability` lists."


class BookingConflict(Conflict):
    """The time, or the gap that two lessons need between them, is taken."""

    code, title = "booking_conflict", "Somebody has just taken this time. Choose another."
    remedy = "Choose one of the times that `instructors/{id}/availability` lists."


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson the instructor has; `travels` when they leave their place for it."""

    starts_at: datetime
    ends_at: datetime
    travels: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What an instructor asks for, in their own zone. Less than the platform's minimums counts as the minimums."""

    zone: ZoneInfo
    buffer_minutes: int = BUFFER_MINUTES
    travel_buffer_minutes: int = TRAVEL_BUFFER_MINUTES
    notice_minutes: int = NOTICE_MINUTES
    travel_notice_minutes: int = TRAVEL_NOTICE_MINUTES
    protects_nights: bool = True

    def notice(self, *, travels: bool) -> timedelta:
        """How long before its start a lesson must be booked."""
        if travels:
            return max(self.travel_notice_minutes, self.notice_minutes, TRAVEL_NOTICE_MINUTES) * MINUTE
        return max(self.notice_minutes, NOTICE_MINUTES) * MINUTE

    def gap(self, *, travels: bool) -> timedelta:
        """What lies between two lessons at least; `travels` when the instructor travels for one of them."""
        if travels:
            return max(self.travel_buffer_minutes, self.buffer_minutes, TRAVEL_BUFFER_MINUTES) * MINUTE
        return max(self.buffer_minutes, BUFFER_MINUTES) * MINUTE

    def quiet_hours(self, now: datetime, *, travels: bool) -> Range | None:
        """When nothing can start that is asked for now: overnight, from midnight to the morning; None by day."""
        if not self.protects_nights:
            return None
        local, morning = now.astimezone(self.zone), TRAVEL_MORNING if travels else MORNING
        if morning <= local.time() < EVENING:
            return None
        day = local.date() if local.time() < morning else local.date() + timedelta(days=1)
        midnight, ends = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in (time(0), morning))
        return midnight, ends


class BookingRules:
    """What holds for lessons of one kind with one instructor, asked for at `now`.

    `hours` are the times they teach, in order and without overlaps; `lessons` those they have.
    """

    def __init__(
        self, *, habits: Habits, travels: bool, hours: Iterable[Range], lessons: Iterable[Lesson], now: datetime
    ) -> None:
        self.now = now
        self.notice = habits.notice(travels=travels)
        self.quiet_hours = habits.quiet_hours(now, travels=travels)
        self._hours = list(hours)
        self._taken = joined(_with_gaps(habits, travels, lessons))

    def refuse(self, starts_at: datetime, ends_at: datetime) -> None:
        """Raises the first rule that a lesson then would break."""
        problem = self.refusal(starts_at, ends_at)
        if problem is not None:
            raise problem

    def refusal(self, starts_at: datetime, ends_at: datetime) -> Problem | None:
        """The first rule that a lesson at [starts_at, ends_at) would break; None when it can be booked."""
        if starts_at <= self.now:
            return LessonInPast(f"{_instant(starts_at)} is over.")
        if next_quarter(starts_at) != starts_at:
            return NotOnQuarterHour(f"{_instant(starts_at)} is not a quarter hour.")
        if starts_at > self.now + FURTHEST:
            latest = _instant(self.now + FURTHEST)
            return TooFarAhead(f"Lessons are booked until {latest} at most.", latest_start=latest)
        if starts_at < self.now + self.notice:
            minutes = self.notice // MINUTE
            return TooShortNotice(f"Book at least {minutes} minutes ahead.", notice_minutes=minutes)
        if self.quiet_hours and self.quiet_hours[0] <= starts_at < self.quiet_hours[1]:
            earliest = _instant(self.quiet_hours[1])
            return OvernightProtection(
                f"Asked for overnight, a lesson starts at {earliest} or later that day.", earliest_start=earliest
            )
        if not _covers(self._hours, starts_at, ends_at):
            return OutsideHours("The instructor does not teach at that time; choose one of the free times.")
        if self.is_taken(starts_at, ends_at):
            return BookingConflict("The instructor has a lesson then, or too close to it. Choose another time.")
        return None

    def free_starts(self, since: datetime, until: datetime, length: timedelta) -> Iterator[datetime]:
        """The quarter hours within [since, until) at which a lesson of that length can start, in order."""
        for start, end in self._hours:
            at = next_quarter(max(start, since))
            while at < until and at + length <= end:
                if self.refusal(at, at + length) is None:
                    yield at
                at += QUARTER

    def is_taken(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether another lesson, or the gap that it needs, lies there."""
        following = bisect_right(self._taken, starts_at, key=lambda each: each[0])
        around = self._taken[max(following - 1, 0) : following + 1]
        return any(start < ends_at and starts_at < end for start, end in around)


def next_quarter(instant: datetime) -> datetime:
    """That instant when it is a quarter hour, else the first one after it."""
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - instant) // QUARTER) * QUARTER


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, those that touch or overlap made one."""
    result: list[Range] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _with_gaps(habits: Habits, travels: bool, lessons: Iterable[Lesson]) -> Iterator[Range]:
    """Lessons with the gap around them that a lesson of this kind must keep."""
    for lesson in lessons:
        gap = habits.gap(travels=travels or lesson.travels)
        yield lesson.starts_at - gap, lesson.ends_at + gap


def _covers(hours: list[Range], starts_at: datetime, ends_at: datetime) -> bool:
    following = bisect_right(hours, starts_at, key=lambda each: each[0])
    return following > 0 and ends_at <= hours[following - 1][1]


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
