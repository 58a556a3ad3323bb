"""How long before a lesson it is (policy 2): elapsed time, to the second, whatever the clocks on the wall say."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy.rescheduling import Move, RescheduleLocked, RescheduleWindowClosed, move_allowed
from bookings.policy.windows import Window, window_changes_at, window_of

from .money import HOUR, SECOND, START, notices

ORDER = [Window.FREE, Window.LATE, Window.LAST_MINUTE]


@pytest.mark.parametrize(
    ("notice", "window"),
    [
        (24 * HOUR + SECOND, Window.FREE),
        (24 * HOUR, Window.FREE),
        (24 * HOUR - SECOND, Window.LATE),
        (24 * HOUR - timedelta(microseconds=1), Window.LATE),
        (12 * HOUR, Window.LATE),
        (12 * HOUR - SECOND, Window.LAST_MINUTE),
        (SECOND, Window.LAST_MINUTE),
        (timedelta(), Window.LAST_MINUTE),
        (-3 * HOUR, Window.LAST_MINUTE),
    ],
)
def test_the_edges(notice: timedelta, window: Window) -> None:
    assert window_of(starts_at=START, now=START - notice) is window


@given(notices, notices)
def test_windows_follow_each_other(one: timedelta, other: timedelta) -> None:
    earlier, later = START - max(one, other), START - min(one, other)
    assert ORDER.index(window_of(starts_at=START, now=earlier)) <= ORDER.index(window_of(starts_at=START, now=later))


@given(notices)
def test_a_window_says_when_it_ends(notice: timedelta) -> None:
    now = START - notice
    ends = window_changes_at(starts_at=START, now=now)
    if ends is None:
        assert window_of(starts_at=START, now=now) is Window.LAST_MINUTE
        return
    assert now <= ends
    assert window_of(starts_at=START, now=ends) is window_of(starts_at=START, now=now)
    assert window_of(starts_at=START, now=ends + SECOND) is not window_of(starts_at=START, now=now)


@given(notices, st.sampled_from(["America/New_York", "Europe/Madrid", "Asia/Kolkata", "Australia/Lord_Howe"]))
def test_zones_change_nothing(notice: timedelta, zone: str) -> None:
    there = START.astimezone(ZoneInfo(zone))
    now = START - notice
    assert window_of(starts_at=there, now=now) is window_of(starts_at=START, now=now)


def test_hours_count_across_a_clock_change() -> None:
    zone = ZoneInfo("America/New_York")
    starts_at = datetime(
        2030, 3, 10, 12, tzinfo=zone
    )  # the clocks went forward that night: 23 hours since yesterday's noon
    noon_before = datetime(2030, 3, 9, 12, tzinfo=zone)
    utc = ZoneInfo("UTC")
    assert window_of(starts_at=starts_at.astimezone(utc), now=noon_before.astimezone(utc)) is Window.LATE


@given(notices, st.booleans())
def test_moving_a_lesson(notice: timedelta, used: bool) -> None:
    now, window = START - notice, window_of(starts_at=START, now=START - notice)
    if used:
        with pytest.raises(RescheduleLocked):
            move_allowed(starts_at=START, now=now, late_reschedule_used=True)
    elif window is Window.LAST_MINUTE:
        with pytest.raises(RescheduleWindowClosed):
            move_allowed(starts_at=START, now=now, late_reschedule_used=False)
    else:
        expected = Move.FREE if window is Window.FREE else Move.LOCK
        assert move_allowed(starts_at=START, now=now, late_reschedule_used=False) is expected
