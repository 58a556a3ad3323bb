"""The rules about times: each alone, and that a start is offered exactly when asking for it is not refused."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.availability import Schedule, Stretch
from catalog.booking_rules import BookingRules, Habits, Lesson, next_quarter

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")
ALWAYS = [(datetime(2026, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC))]


def local(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time in New York, in June 2027."""
    return datetime(2027, 6, day, hour, minute, second, tzinfo=NEW_YORK).astimezone(UTC)


def refused(
    start: datetime, *, now: datetime, travels: bool = False, lessons: tuple[Lesson, ...] = (), **habits: Any
) -> str | None:
    """The code with which an hour from `start` is refused, when the instructor is there day and night."""
    rules = BookingRules(habits=Habits(NEW_YORK, **habits), travels=travels, hours=ALWAYS, lessons=lessons, now=now)
    problem = rules.refusal(start, start + HOUR)
    return problem.code if problem else None


@pytest.mark.parametrize(
    ("asked", "start", "travels", "code"),
    [
        # From 20:00 on, not before 09:00, with travel not before 11:00; to the second.
        ((7, 19, 59, 59), (8, 8, 0), False, None),
        ((7, 20), (8, 8, 45), False, "overnight_protection"),
        ((7, 20), (8, 9), False, None),
        ((7, 20), (8, 10, 45), True, "overnight_protection"),
        ((7, 20), (8, 11), True, None),
        ((7, 19, 59, 59), (8, 10, 45), True, None),
        ((7, 23, 30), (8, 1), False, "overnight_protection"),
        # After midnight it is still that night; in the morning notice takes over.
        ((8, 2), (8, 8, 45), False, "overnight_protection"),
        ((8, 2), (8, 9), False, None),
        ((8, 7, 0, 1), (8, 8, 15), False, "overnight_protection"),
        ((8, 9), (8, 10), False, None),
        # The same evening, and later mornings, are free.
        ((7, 20), (7, 21), False, None),
        ((7, 20), (9, 6), False, None),
    ],
)
def test_what_is_asked_for_overnight_is_not_early(
    asked: tuple[int, ...], start: tuple[int, ...], travels: bool, code: str | None
) -> None:
    assert refused(local(*start), now=local(*asked), travels=travels) == code


def test_an_instructor_may_do_without_their_nights() -> None:
    assert refused(local(8, 6), now=local(7, 21), protects_nights=False) is None


@pytest.mark.parametrize(
    ("travels", "habits", "minutes"),
    [
        (False, {}, 60),
        (True, {}, 180),
        (False, {"notice_minutes": 240}, 240),
        (True, {"notice_minutes": 240}, 240),
        (True, {"travel_notice_minutes": 600}, 600),
        (False, {"notice_minutes": 0}, 60),
        (True, {"travel_notice_minutes": 0}, 180),
    ],
)
def test_notice(travels: bool, habits: dict[str, Any], minutes: int) -> None:
    start = local(8, 18)
    assert refused(start, now=start - minutes * MINUTE, travels=travels, **habits) is None
    late = start - minutes * MINUTE + timedelta(seconds=1)
    assert refused(start, now=late, travels=travels, **habits) == "notice_too_short"


@pytest.mark.parametrize(
    ("travels", "other_travels", "habits", "minutes"),
    [
        (False, False, {}, 15),
        (True, False, {}, 60),
        (False, True, {}, 60),
        (False, False, {"buffer_minutes": 45}, 45),
        (True, False, {"buffer_minutes": 90}, 90),
        (True, True, {"travel_buffer_minutes": 120}, 120),
        (False, False, {"buffer_minutes": 0, "travel_buffer_minutes": 0}, 15),
    ],
)
def test_the_gap_between_two_lessons(travels: bool, other_travels: bool, habits: dict[str, Any], minutes: int) -> None:
    start, gap, now = local(9, 12), minutes * MINUTE, local(7, 12)
    before, after = start - gap, start + HOUR + gap
    touching = (Lesson(before - HOUR, before, other_travels), Lesson(after, after + HOUR, other_travels))
    assert refused(start, now=now, travels=travels, lessons=touching, **habits) is None
    for lesson in (
        Lesson(before - HOUR, before + MINUTE, other_travels),
        Lesson(after - MINUTE, after + HOUR, other_travels),
        Lesson(start, start + HOUR, other_travels),
        Lesson(start - DAY, start + DAY, other_travels),
    ):
        assert refused(start, now=now, travels=travels, lessons=(lesson,), **habits) == "booking_conflict"


def test_quarter_hours_and_a_year_ahead() -> None:
    now = local(7, 12)
    assert refused(local(8, 12, 15), now=now) is None
    assert refused(local(8, 12, 15, 1), now=now) == "not_on_quarter_hour"
    assert refused(local(8, 12, 5), now=now) == "not_on_quarter_hour"
    assert refused(now + 365 * DAY, now=now) is None
    assert refused(now + 365 * DAY, now=now - timedelta(seconds=1)) == "too_far_ahead"
    assert refused(now, now=now) == "starts_in_past"


# --- Offered exactly when not refused ---------------------------------------------------------------------------------
ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC")
CHANGES = {  # days on which clocks change somewhere of these
    "America/New_York": (date(2027, 3, 14), date(2027, 11, 7)),
    "Europe/London": (date(2027, 3, 28), date(2027, 10, 31)),
    "Australia/Lord_Howe": (date(2027, 4, 4), date(2027, 10, 3)),
}
quarters = st.integers(0, 95).map(lambda n: time(n // 4, 15 * (n % 4)))


@st.composite
def stretches(draw: st.DrawFn) -> list[Stretch]:
    made = []
    for _ in range(draw(st.integers(0, 2))):
        starts, ends = draw(quarters), draw(quarters)
        if ends == time(0) or starts < ends:
            made.append(Stretch(starts, ends))
    return made


@st.composite
def situations(draw: st.DrawFn) -> tuple[BookingRules, datetime, timedelta]:
    """Somebody's hours, habits and lessons around a day, often one on which the clocks change; and a moment to ask at."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.sampled_from(CHANGES.get(zone, (date(2027, 6, 7),))))
    around = [day + n * DAY for n in (-1, 0, 1)]
    schedule = Schedule(
        ZoneInfo(zone),
        weekly={one.weekday(): draw(st.one_of(stretches(), st.just([Stretch()]))) for one in around},
        extra={draw(st.sampled_from(around)): draw(stretches())},
        closed={draw(st.sampled_from(around)): draw(stretches())},
    )
    since = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
    lessons = [
        Lesson(
            start := since + draw(st.integers(-300, 1700)) * MINUTE,
            start + draw(st.integers(15, 120)) * MINUTE,
            travels,
        )
        for travels in draw(st.lists(st.booleans(), max_size=3))
    ]
    minutes = st.integers(0, 400)
    habits = Habits(ZoneInfo(zone), draw(minutes), draw(minutes), draw(minutes), draw(minutes), draw(st.booleans()))
    now = since - draw(st.sampled_from((DAY, 365 * DAY, timedelta()))) + draw(st.integers(-900, 900)) * MINUTE
    length = draw(st.sampled_from((15, 45, 60, 180))) * MINUTE
    rules = BookingRules(
        habits=habits,
        travels=draw(st.booleans()),
        hours=schedule.open_ranges(since, since + 2 * DAY),
        lessons=lessons,
        now=now,
    )
    return rules, since, length


@settings(max_examples=60)
@given(situations())
def test_a_start_is_offered_exactly_when_asking_for_it_is_not_refused(
    situation: tuple[BookingRules, datetime, timedelta],
) -> None:
    rules, since, length = situation
    until = since + DAY
    offered = list(rules.free_starts(since, until, length))
    every_five = [since + n * 5 * MINUTE for n in range(24 * 12)]
    assert offered == [at for at in every_five if rules.refusal(at, at + length) is None]
    assert all(next_quarter(at) == at for at in offered)
