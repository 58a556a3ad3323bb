"""What a wall-clock time means where clocks change: New York and London by an hour, Lord Howe by half of one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from catalog.local_time import InvalidLocalTime, resolve_local_start, steady_periods, zone_of
from common.problems import Invalid

NEW_YORK, LONDON, LORD_HOWE = "America/New_York", "Europe/London", "Australia/Lord_Howe"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def wall(*parts: int) -> datetime:
    """What a clock on the wall shows."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        (NEW_YORK, wall(2027, 1, 15, 9, 30), utc(2027, 1, 15, 14, 30)),
        (NEW_YORK, wall(2027, 7, 15, 9, 30), utc(2027, 7, 15, 13, 30)),
        (NEW_YORK, wall(2027, 3, 14, 1, 59, 59), utc(2027, 3, 14, 6, 59, 59)),
        (NEW_YORK, wall(2027, 3, 14, 3, 0), utc(2027, 3, 14, 7, 0)),
        (LONDON, wall(2027, 7, 1, 0, 15), utc(2027, 6, 30, 23, 15)),
        (LORD_HOWE, wall(2027, 1, 1, 8, 0), utc(2026, 12, 31, 21, 0)),
        (LORD_HOWE, wall(2027, 7, 1, 8, 0), utc(2027, 6, 30, 21, 30)),
        ("Asia/Kathmandu", wall(2027, 1, 1, 6, 0), utc(2027, 1, 1, 0, 15)),
    ],
)
def test_a_local_time_is_one_instant(zone: str, local: datetime, instant: datetime) -> None:
    assert resolve_local_start(local, zone) == instant


@pytest.mark.parametrize(
    ("zone", "local", "says"),
    [
        (
            NEW_YORK,
            wall(2027, 3, 14, 2, 30),
            "02:30 on 14 March 2027 does not exist in America/New_York: the clocks go from 02:00 straight to 03:00.",
        ),
        (NEW_YORK, wall(2027, 3, 14, 2, 0), "02:00 on 14 March 2027 does not exist"),
        (LONDON, wall(2027, 3, 28, 1, 15), "from 01:00 straight to 02:00"),
        (LORD_HOWE, wall(2027, 10, 3, 2, 15), "from 02:00 straight to 02:30"),
    ],
)
def test_a_time_that_the_clocks_skip_is_refused_and_the_gap_named(zone: str, local: datetime, says: str) -> None:
    with pytest.raises(InvalidLocalTime) as refusal:
        resolve_local_start(local, zone)
    assert (refusal.value.code, refusal.value.status) == ("invalid_local_time", 422)
    assert says in refusal.value.detail


@pytest.mark.parametrize(
    ("zone", "local", "first", "turned_back"),
    [
        (NEW_YORK, wall(2027, 11, 7, 1, 30), utc(2027, 11, 7, 5, 30), timedelta(hours=1)),
        (LONDON, wall(2027, 10, 31, 1, 30), utc(2027, 10, 31, 0, 30), timedelta(hours=1)),
        (LORD_HOWE, wall(2027, 4, 4, 1, 45), utc(2027, 4, 3, 14, 45), timedelta(minutes=30)),
    ],
)
def test_a_time_that_happens_twice_is_the_first_unless_the_second_is_meant(
    zone: str, local: datetime, first: datetime, turned_back: timedelta
) -> None:
    assert resolve_local_start(local, zone) == first
    assert resolve_local_start(local, zone, fold=0) == first
    assert resolve_local_start(local, zone, fold=1) == first + turned_back


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "america/new_york", "../../etc/passwd", "America", "\x00", "Foo Bar"]
)
def test_an_unknown_zone_is_a_wrong_field(name: str) -> None:
    with pytest.raises(Invalid) as problem:
        zone_of(name)
    assert problem.value.status == 400
    assert list(problem.value.fields["errors"]) == ["timezone"]


@pytest.mark.parametrize(
    "local", [datetime(2027, 1, 1, 9, tzinfo=UTC), datetime(2027, 1, 1, 9, tzinfo=timezone(timedelta(hours=3)))]
)
def test_a_local_time_carries_no_offset(local: datetime) -> None:
    with pytest.raises(Invalid) as problem:
        resolve_local_start(local, NEW_YORK)
    assert list(problem.value.fields["errors"]) == ["local_start"]


@pytest.mark.parametrize(("zone", "local"), [(NEW_YORK, wall(9999, 12, 31, 23)), ("Asia/Tokyo", wall(1, 1, 1))])
def test_a_time_beyond_the_calendar_is_a_wrong_field(zone: str, local: datetime) -> None:
    with pytest.raises(Invalid):
        resolve_local_start(local, zone)


def test_the_year_falls_into_steady_periods() -> None:
    periods = list(steady_periods(zone_of(LORD_HOWE), utc(2027, 1, 1, 0, 0, 1), utc(2028, 1, 1)))
    assert [(until, offset) for (_, until), offset in periods] == [
        (utc(2027, 4, 3, 15), timedelta(hours=11)),
        (utc(2027, 10, 2, 15, 30), timedelta(hours=10, minutes=30)),
        (utc(2028, 1, 1), timedelta(hours=11)),
    ]
    assert [since for (since, _), _ in periods[1:]] == [until for (_, until), _ in periods[:-1]]
