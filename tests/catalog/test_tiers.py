"""What commission an instructor pays (policy 1): the tiers, the nightly evaluation, the 100 founding places."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.models import FoundingPlace, InstructorProfile
from catalog.tiers import (
    FoundingPlacesGone,
    TierChange,
    earned_bps,
    evaluate_tier,
    evaluated_bps,
    founding_places_left,
    grant_founding_place,
    lessons_to_next,
)
from tests.support.factories import NOON, InstructorFactory

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("completed", "bps", "to_next"),
    [(0, 1500, 4), (3, 1500, 1), (4, 1200, 6), (9, 1200, 1), (10, 1000, None), (99, 1000, None)],
)
def test_the_lesson_being_quoted_counts_as_one_more(completed: int, bps: int, to_next: int | None) -> None:
    assert earned_bps(completed_in_period=completed) == bps
    assert lessons_to_next(completed_in_period=completed) == to_next


@pytest.mark.parametrize(
    ("current", "completed", "days_quiet", "after"),
    [
        (1500, 4, 1, 1200),
        (1500, 10, 1, 1000),  # improves at once, also by two
        (1200, 10, 1, 1000),
        (1000, 10, 1, 1000),
        (1000, 4, 1, 1200),
        (1000, 0, 31, 1200),  # worsens by one at most
        (1200, 0, 31, 1500),
        (1500, 0, 31, 1500),
        (1000, 0, 89, 1200),
        (1000, 0, 90, 1500),  # 90 days without a lesson: back to the start
        (1000, 0, None, 1500),
        (1300, 0, 31, 1500),  # a rate agreed by hand is worsened to the next tier
        (1300, 4, 1, 1200),
        (2000, 0, 31, 1500),
    ],
)
def test_the_nightly_evaluation(current: int, completed: int, days_quiet: int | None, after: int) -> None:
    bps = evaluated_bps(
        current_bps=current,
        is_founding=False,
        completed_in_period=completed,
        last_completed_at=None if days_quiet is None else NOON - days_quiet * DAY,
        now=NOON,
    )
    assert bps == after


def test_ninety_days_are_counted_to_the_second() -> None:
    last = NOON - 90 * DAY
    for now, after in ((NOON - timedelta(seconds=1), 1200), (NOON, 1500)):
        assert after == evaluated_bps(
            current_bps=1000, is_founding=False, completed_in_period=0, last_completed_at=last, now=now
        )


def test_founding_instructors_are_never_evaluated(database: None) -> None:
    instructor = InstructorFactory.create()
    grant_founding_place(instructor=instructor, now=NOON)
    change = evaluate_tier(instructor_id=instructor.pk, completed_in_period=0, last_completed_at=None, now=NOON)
    assert change == TierChange(800, 800)
    instructor.refresh_from_db()
    assert (instructor.commission_bps, instructor.tier_evaluated_at) == (800, None)


def test_a_night_worsens_by_one_tier_however_often_the_job_runs(database: None) -> None:
    instructor = InstructorFactory.create(commission_bps=1000)
    night, last = datetime(2027, 3, 2, 3, 15, tzinfo=UTC), NOON - 40 * DAY

    def evaluate(now: datetime) -> TierChange:
        return evaluate_tier(instructor_id=instructor.pk, completed_in_period=0, last_completed_at=last, now=now)

    assert evaluate(night) == TierChange(1000, 1200)
    assert evaluate(night + timedelta(minutes=1)) == TierChange(1200, 1200)
    assert evaluate(night + DAY) == TierChange(1200, 1500)
    instructor.refresh_from_db()
    assert (instructor.commission_bps, instructor.tier_evaluated_at) == (1500, night + DAY)


def test_a_founding_place_is_for_life_and_given_once(database: None) -> None:
    instructor = InstructorFactory.create()
    place = grant_founding_place(instructor=instructor, now=NOON)
    assert (place.number, instructor.commission_bps, instructor.is_founding) == (1, 800, True)
    assert grant_founding_place(instructor=instructor, now=NOON + DAY) == place
    assert founding_places_left() == 99


def test_eight_instructors_ask_at_once_for_the_last_three_places(database: None) -> None:
    holders = [InstructorFactory.create(commission_bps=800, is_founding=True, hours=[]) for _ in range(97)]
    FoundingPlace.objects.bulk_create(
        FoundingPlace(number=number, instructor=holder, granted_at=NOON) for number, holder in enumerate(holders, 1)
    )
    asking = [InstructorFactory.create(hours=[]) for _ in range(8)]
    together = threading.Barrier(8)

    def ask(instructor: InstructorProfile) -> int | str:
        try:
            together.wait()
            return grant_founding_place(instructor=instructor, now=NOON).number
        except FoundingPlacesGone as gone:
            return gone.code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, asking))
    numbers = [answer for answer in answers if isinstance(answer, int)]
    assert sorted(numbers) == [98, 99, 100]
    assert answers.count("founding_places_gone") == 5
    assert founding_places_left() == 0
    assert InstructorProfile.objects.filter(is_founding=True, commission_bps=800).count() == 100
    assert InstructorProfile.objects.filter(is_founding=False, commission_bps=1500).count() == 5


def test_the_database_has_no_101st_place(database: None) -> None:
    for number in (0, 101):
        with pytest.raises(IntegrityError), transaction.atomic():
            FoundingPlace.objects.create(number=number, instructor=InstructorFactory.create(hours=[]), granted_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        InstructorFactory.create(is_founding=True, commission_bps=1000)
