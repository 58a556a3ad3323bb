"""When instructors are next free, for a page of them at once."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from bookings.models import Booking
from catalog.availability import habits_of, schedules_of
from catalog.booking_rules import TRAVELS_TO, BookingRules, Lesson
from catalog.models import InstructorProfile
from common.clock import DAY

LOOK_AHEAD = 14 * DAY


def next_free_times(instructors: Collection[InstructorProfile], *, now: datetime) -> dict[str, datetime]:
    """The first time in the next two weeks at which each instructor's shortest lesson can start, by id; absent: none.

    The same rules as for booking; with travel only for those who do not teach otherwise. `services` and `user` must be
    loaded. Three queries, however many there are.
    """
    until = now + LOOK_AHEAD
    schedules = schedules_of(instructors, since=now, until=until + DAY)
    lessons = _lessons(schedules, since=now - DAY, until=until + 2 * DAY)
    found = {}
    for one in instructors:
        services = list(one.services.all())
        if not services:
            continue
        length = timedelta(minutes=min(minutes for service in services for minutes in service.durations))
        rules = BookingRules(
            habits=habits_of(one),
            travels=all(set(service.modalities) <= TRAVELS_TO for service in services),
            hours=schedules[one.pk].open_ranges(now, until + length),
            lessons=lessons[one.pk],
            now=now,
        )
        if first := next(rules.free_starts(now, until, length), None):
            found[one.pk] = first
    return found


def _lessons(instructors: Collection[str], *, since: datetime, until: datetime) -> dict[str, list[Lesson]]:
    held = Booking.objects.filter(holds_slot=True, instructor__in=instructors, starts_at__lt=until, ends_at__gt=since)
    by_instructor: dict[str, list[Lesson]] = defaultdict(list)
    for who, starts_at, ends_at, where in held.values_list("instructor", "starts_at", "ends_at", "location_type"):
        by_instructor[who].append(Lesson(starts_at, ends_at, travels=where in TRAVELS_TO))
    return by_instructor
