"""When holds and captures are tried, tried again, warned about and given up (policy 4.3, 4.5)."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy import holds

from .money import HOUR, START, notices

LAST_CHANCE = START - 13 * HOUR


def timetable(first: datetime, delays: tuple[timedelta, ...] = ()) -> list[datetime]:
    """Every attempt of a card that always declines; a job may come late for each retry."""
    attempts = [first]
    while (
        due := holds.next_attempt_at(starts_at=START, failures=len(attempts), last_attempt=attempts[-1])
    ) is not None:
        late = delays[len(attempts) - 1] if len(attempts) <= len(delays) else timedelta()
        attempts.append(due + late)
    return attempts


def test_on_time_it_is_tried_a_day_23_19_and_13_hours_before() -> None:
    assert timetable(holds.hold_due_at(START)) == [START - hours * HOUR for hours in (24, 23, 19, 13)]


def test_the_third_retry_is_brought_forward() -> None:
    assert timetable(START - 22 * HOUR) == [START - hours * HOUR for hours in (22, 21, 17, 13)]


def test_a_very_late_first_try_has_its_last_chance() -> None:
    assert timetable(START - 13.5 * HOUR) == [START - 13.5 * HOUR, LAST_CHANCE]
    assert timetable(LAST_CHANCE) == [LAST_CHANCE]
    assert timetable(START - 12.5 * HOUR) == [START - 12.5 * HOUR]


minutes = st.integers(0, 600).map(lambda number: timedelta(minutes=number))


@given(notices, st.tuples(minutes, minutes, minutes))
def test_at_most_three_retries_and_none_planned_after_the_last_chance(
    notice: timedelta, delays: tuple[timedelta, ...]
) -> None:
    attempts = timetable(START - notice, delays)
    assert len(attempts) <= 4
    planned = [
        holds.next_attempt_at(starts_at=START, failures=number, last_attempt=attempt)
        for number, attempt in enumerate(attempts, 1)
    ]
    for attempt, due in zip(attempts, planned, strict=True):
        assert due is None or attempt < due <= LAST_CHANCE
    if attempts[0] < LAST_CHANCE and len(attempts) < 4:
        assert attempts[-1] >= LAST_CHANCE  # nobody loses the last chance for having been tried late


@given(notices, st.integers(-3, 12))
def test_only_failures_one_to_three_are_retried(notice: timedelta, failures: int) -> None:
    due = holds.next_attempt_at(starts_at=START, failures=failures, last_attempt=START - notice)
    assert (due is None) == (failures not in (1, 2, 3) or START - notice >= LAST_CHANCE)


@given(notices)
def test_the_instants_of_a_lesson(notice: timedelta) -> None:
    starts_at = START + notice
    assert starts_at - holds.hold_due_at(starts_at) == 24 * HOUR
    assert starts_at - holds.warn_at(starts_at) == 13 * HOUR
    assert starts_at - holds.give_up_at(starts_at) == 12 * HOUR
    assert holds.capture_due_at(starts_at) - starts_at == 24 * HOUR
    assert holds.hold_due_at(starts_at) < holds.warn_at(starts_at) < holds.give_up_at(starts_at) < starts_at


@given(st.integers(1, 40), minutes)
def test_retries_do_not_move_the_escalation(retries: int, late: timedelta) -> None:
    first, attempt = START, START
    for _ in range(retries):
        attempt = holds.next_capture_at(last_attempt=attempt) + late
    assert holds.escalates_at(first) == START + 72 * HOUR


def test_eighteen_retries_fit_before_the_escalation() -> None:
    attempts, at = 0, START
    while (at := holds.next_capture_at(last_attempt=at)) < holds.escalates_at(START):
        attempts += 1
    assert attempts == 17
    assert at == holds.escalates_at(START)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CHECKOUT_LIMIT", timedelta(minutes=30)),
        ("PENDING_LIMIT", timedelta(minutes=30)),
        ("CAPTURE_RETRY_EVERY", 4 * HOUR),
        ("CAPTURE_ESCALATE_AFTER", 72 * HOUR),
        ("SECURE_BEFORE", 12 * HOUR),
    ],
)
def test_the_other_figures(name: str, expected: timedelta) -> None:
    assert getattr(holds, name) == expected
