"""When an instructor can be booked: pure schedules first, then profiles with their notice and free slots."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.availability import Schedule, Stretch, check_bookable_time, free_slots, schedules_of, without
from catalog.booking_rules import (
    BookingConflict,
    Lesson,
    LessonInPast,
    NotOnQuarterHour,
    OutsideHours,
    TooFarAhead,
    TooShortNotice,
    joined,
)
from catalog.local_time import Range, zone_of
from catalog.models import AvailabilityException, InstructorProfile
from tests.support.factories import InstructorFactory

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MONDAY = date(2027, 6, 7)
NINE_TO_FIVE = Stretch(time(9), time(17))
WHOLE_DAY = Stretch()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def schedule(
    zone: str = "America/New_York",
    weekly: dict[int, list[Stretch]] | None = None,
    extra: dict[date, list[Stretch]] | None = None,
    closed: dict[date, list[Stretch]] | None = None,
) -> Schedule:
    return Schedule(zone_of(zone), weekly or {}, extra or {}, closed or {})


def allows(hours: Schedule, local: datetime, minutes: int) -> bool:
    """Whether a lesson of so many elapsed minutes may start when the instructor's clock reads `local`."""
    start = local.replace(tzinfo=hours.zone).astimezone(UTC)
    return hours.allows(start, start + minutes * MINUTE)


@pytest.mark.parametrize(
    ("start", "minutes", "allowed"),
    [
        (time(9), 60, True),
        (time(16), 60, True),
        (time(9), 480, True),
        (time(8, 59), 60, False),
        (time(16, 1), 60, False),
        (time(8), 600, False),
        (time(20), 60, False),
    ],
)
def test_a_lesson_lies_within_the_hours(start: time, minutes: int, allowed: bool) -> None:
    hours = schedule(weekly={0: [NINE_TO_FIVE]})
    assert allows(hours, datetime.combine(MONDAY, start), minutes) is allowed
    assert not allows(hours, datetime.combine(MONDAY + timedelta(days=1), start), minutes)


def test_stretches_that_join_are_one_also_across_midnight() -> None:
    hours = schedule(
        weekly={
            0: [Stretch(time(9), time(12)), Stretch(time(12), time(14)), Stretch(time(20), time(0))],
            1: [Stretch(time(0), time(2))],
        }
    )
    assert allows(hours, datetime.combine(MONDAY, time(11, 30)), 60)
    assert allows(hours, datetime.combine(MONDAY, time(23, 30)), 60)
    assert allows(hours, datetime.combine(MONDAY, time(20)), 6 * 60)
    assert not allows(hours, datetime.combine(MONDAY, time(20)), 6 * 60 + 1)
    assert not allows(hours, datetime.combine(MONDAY, time(13, 30)), 60)


def test_hours_to_midnight_end_there_without_a_neighbour() -> None:
    hours = schedule(weekly={0: [Stretch(time(20), time(0))]})
    assert allows(hours, datetime.combine(MONDAY, time(23)), 60)
    assert not allows(hours, datetime.combine(MONDAY, time(23)), 61)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
def test_a_whole_week_is_every_hour_of_every_day_of_the_year(zone: str) -> None:
    hours = schedule(zone, weekly=dict.fromkeys(range(7), [WHOLE_DAY]))
    year = (utc(2027, 1, 1), utc(2028, 1, 1))
    assert hours.open_ranges(*year) == [year]


def test_exceptions_add_hours_and_blackouts_win() -> None:
    wednesday, friday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=4)
    hours = schedule(
        weekly={0: [NINE_TO_FIVE], 2: [NINE_TO_FIVE]},
        extra={friday: [Stretch(time(18), time(20))], wednesday: [WHOLE_DAY]},
        closed={MONDAY: [Stretch(time(12), time(13))], wednesday: [WHOLE_DAY]},
    )
    assert allows(hours, datetime.combine(friday, time(18)), 120)
    assert not allows(hours, datetime.combine(friday, time(17)), 60)
    assert allows(hours, datetime.combine(MONDAY, time(11)), 60)
    assert not allows(hours, datetime.combine(MONDAY, time(11, 30)), 60)
    assert allows(hours, datetime.combine(MONDAY, time(13)), 60)
    assert not allows(hours, datetime.combine(wednesday, time(10)), 60)
    assert allows(hours, datetime.combine(wednesday + timedelta(days=5), time(10)), 60)


def test_hours_are_the_instructors_wall_clock_in_summer_and_winter() -> None:
    hours = schedule("Europe/London", weekly={0: [NINE_TO_FIVE]})
    assert hours.open_ranges(utc(2027, 1, 4), utc(2027, 1, 5)) == [(utc(2027, 1, 4, 9), utc(2027, 1, 4, 17))]
    assert hours.open_ranges(utc(2027, 6, 7), utc(2027, 6, 8)) == [(utc(2027, 6, 7, 8), utc(2027, 6, 7, 16))]


@pytest.mark.parametrize(
    ("zone", "day", "stretch", "opened"),
    [  # forward: the skipped wall-clock hour is no time at all
        ("America/New_York", (2027, 3, 14), (time(0), time(5)), [((2027, 3, 14, 5), (2027, 3, 14, 9))]),
        ("America/New_York", (2027, 3, 14), (time(2), time(3)), []),
        ("America/New_York", (2027, 3, 14), (time(2, 30), time(4)), [((2027, 3, 14, 7), (2027, 3, 14, 8))]),
        ("Australia/Lord_Howe", (2027, 10, 3), (time(1), time(3)), [((2027, 10, 2, 14, 30), (2027, 10, 2, 16))]),
        # back: the hour that the clock shows twice is two hours
        ("America/New_York", (2027, 11, 7), (time(0), time(3)), [((2027, 11, 7, 4), (2027, 11, 7, 8))]),
        ("Europe/London", (2027, 10, 31), (time(1), time(2)), [((2027, 10, 31, 0), (2027, 10, 31, 2))]),
        (
            "Europe/London",
            (2027, 10, 31),
            (time(1), time(1, 30)),
            [((2027, 10, 31, 0), (2027, 10, 31, 0, 30)), ((2027, 10, 31, 1), (2027, 10, 31, 1, 30))],
        ),
        ("Australia/Lord_Howe", (2027, 4, 4), (time(1), time(3)), [((2027, 4, 3, 14), (2027, 4, 3, 16, 30))]),
    ],
)
def test_hours_on_the_day_the_clocks_change(
    zone: str,
    day: tuple[int, int, int],
    stretch: tuple[time, time],
    opened: list[tuple[tuple[int, ...], tuple[int, ...]]],
) -> None:
    hours = schedule(zone, extra={date(*day): [Stretch(*stretch)]})
    around = (utc(*day) - timedelta(days=2), utc(*day) + timedelta(days=2))
    assert hours.open_ranges(*around) == [(utc(*since), utc(*until)) for since, until in opened]


def test_a_lesson_across_the_clock_change_lasts_its_elapsed_minutes() -> None:
    """01:30 and 60 minutes on the night the clocks go forward ends at 03:30 on the wall."""
    until_half_past_three = schedule(extra={date(2027, 3, 14): [Stretch(time(1), time(3, 30))]})
    assert allows(until_half_past_three, datetime.combine(date(2027, 3, 14), time(1, 30)), 60)
    assert not allows(until_half_past_three, datetime.combine(date(2027, 3, 14), time(1, 30)), 61)


moments = st.integers(0, 60)
ranges = st.lists(st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1]), max_size=8)


@given(ranges, ranges)
def test_joining_and_taking_out_is_set_arithmetic(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    def timed(pairs: list[tuple[int, int]]) -> list[Range]:
        return [(utc(2027, 1, 1) + a * MINUTE, utc(2027, 1, 1) + b * MINUTE) for a, b in pairs]

    def minutes(pairs: list[Range]) -> set[datetime]:
        return {a + n * MINUTE for a, b in pairs for n in range((b - a) // MINUTE)}

    one, two = joined(timed(some)), joined(timed(others))
    assert minutes(one) == minutes(timed(some))
    assert all(first[1] < second[0] for first, second in zip(one, one[1:], strict=False))
    assert minutes(without(one, two)) == minutes(one) - minutes(two)


@pytest.fixture
def instructor(database: None) -> InstructorProfile:
    return InstructorFactory.create(minimum_notice_minutes=120, hours=[(0, time(9), time(12))])


NOW = utc(2027, 6, 7, 10)  # Monday, 06:00 in New York


def check(
    instructor: InstructorProfile,
    starts_at: datetime,
    minutes: int = 60,
    now: datetime = NOW,
    lessons: tuple[Lesson, ...] = (),
) -> None:
    check_bookable_time(
        instructor=instructor,
        location_type="online",
        starts_at=starts_at,
        ends_at=starts_at + minutes * MINUTE,
        lessons=lessons,
        now=now,
    )


def test_every_refusal_has_its_own_code(instructor: InstructorProfile) -> None:
    check(instructor, utc(2027, 6, 7, 13))
    for starts_at, refusal, code in [
        (NOW, LessonInPast, "starts_in_past"),
        (NOW - HOUR, LessonInPast, "starts_in_past"),
        (NOW + 2 * HOUR + MINUTE, NotOnQuarterHour, "not_on_quarter_hour"),
        (NOW + 366 * 24 * HOUR, TooFarAhead, "too_far_ahead"),
        (NOW + 2 * HOUR - 15 * MINUTE, TooShortNotice, "notice_too_short"),
        (NOW + 2 * HOUR, OutsideHours, "outside_availability"),
        (utc(2027, 6, 7, 15, 15), OutsideHours, "outside_availability"),
    ]:
        with pytest.raises(refusal) as problem:
            check(instructor, starts_at)
        assert (problem.value.code, problem.value.status) == (code, 422)
    with pytest.raises(BookingConflict) as conflict:
        check(instructor, utc(2027, 6, 7, 13), lessons=(Lesson(utc(2027, 6, 7, 14, 10), utc(2027, 6, 7, 15)),))
    assert (conflict.value.code, conflict.value.status) == ("booking_conflict", 409)


def test_notice_is_measured_to_the_second(instructor: InstructorProfile) -> None:
    nine = utc(2027, 6, 7, 13)
    check(instructor, nine, now=nine - 2 * HOUR)
    with pytest.raises(TooShortNotice) as problem:
        check(instructor, nine, now=nine - 2 * HOUR + timedelta(seconds=1))
    assert problem.value.fields == {"notice_minutes": 120}


def test_a_blackout_closes_and_an_extra_day_opens(instructor: InstructorProfile) -> None:
    AvailabilityException.objects.create(instructor=instructor, date=MONDAY)
    tuesday = MONDAY + timedelta(days=1)
    AvailabilityException.objects.create(instructor=instructor, date=tuesday, is_available=True)
    with pytest.raises(OutsideHours):
        check(instructor, utc(2027, 6, 7, 13))
    check(instructor, utc(2027, 6, 8, 4), minutes=24 * 60)
    with pytest.raises(OutsideHours):
        check(instructor, utc(2027, 6, 8, 4), minutes=24 * 60 + 1)


def slots(instructor: InstructorProfile, minutes: int = 60, **more: object) -> list[str]:
    asked = {"since": utc(2027, 6, 7), "until": utc(2027, 6, 15), "now": NOW} | more
    found = free_slots(instructor=instructor, location_type="online", duration_minutes=minutes, **asked)  # type: ignore[arg-type]
    return [f"{slot:%a %H:%M}" for slot in found]


def test_free_slots_are_quarter_hours_that_end_within_the_hours(instructor: InstructorProfile) -> None:
    monday = ["13:00", "13:15", "13:30", "13:45", "14:00", "14:15", "14:30", "14:45", "15:00"]
    assert slots(instructor) == [f"Mon {at}" for at in monday * 2]
    assert slots(instructor, minutes=180) == ["Mon 13:00", "Mon 13:00"]
    assert slots(instructor, minutes=181) == []


def test_free_slots_leave_out_lessons_notice_and_the_past(instructor: InstructorProfile) -> None:
    end = utc(2027, 6, 8)
    lessons = [
        Lesson(utc(2027, 6, 7, 14, 15), utc(2027, 6, 7, 14, 40)),
        Lesson(utc(2027, 6, 7, 14, 30), utc(2027, 6, 7, 14, 45)),
    ]
    assert slots(instructor, until=end, lessons=lessons) == ["Mon 13:00", "Mon 15:00"]
    assert slots(instructor, until=end, now=utc(2027, 6, 7, 12, 20)) == ["Mon 14:30", "Mon 14:45", "Mon 15:00"]
    assert slots(instructor, until=end, since=utc(2027, 6, 7, 14, 46)) == ["Mon 15:00"]
    assert slots(instructor, until=utc(2027, 6, 7, 13, 15)) == ["Mon 13:00"]
    assert slots(instructor, since=utc(2027, 6, 9), until=utc(2027, 6, 8)) == []


def test_every_free_slot_can_be_booked_across_a_clock_change(database: None) -> None:
    instructor = InstructorFactory.create(
        user__timezone="Australia/Lord_Howe", hours=[(5, time(22), time(0)), (6, time(0), time(4))]
    )
    now = utc(2027, 4, 2)
    found = free_slots(
        instructor=instructor, since=now, until=utc(2027, 4, 5), duration_minutes=45, location_type="online", now=now
    )
    # 22:00-04:00 with half an hour twice: six and a half hours, the last start 45 minutes before their end.
    assert len(found) == 1 + (6 * 60 + 30 - 45) // 15
    for slot in found:
        check(instructor, slot, minutes=45, now=now)
    for outside in (found[0] - 15 * MINUTE, found[-1] + 15 * MINUTE):
        with pytest.raises(OutsideHours):
            check(instructor, outside, minutes=45, now=now)


def test_the_hours_of_many_instructors_take_two_queries(database: None, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    for zone in ("America/New_York", "Europe/London", "Asia/Tokyo"):
        InstructorFactory.create(user__timezone=zone)
    profiles = list(InstructorProfile.objects.select_related("user"))
    with django_assert_num_queries(2):
        schedules = schedules_of(profiles, since=NOW, until=NOW + 24 * HOUR)
    assert [schedules[one.pk].zone.key for one in profiles] == [one.user.timezone for one in profiles]
