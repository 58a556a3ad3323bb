"""A short run of `make races`: some pairs under the mutex, some without it; and the positive control."""

import random

import pytest

from .races_play import NO_MUTEX, Pair, Races
from .sabotage_patches import no_protection
from .verdicts import audited
from .world import World

SEED = 7
PAIRS = (
    Pair("cancel late", "cancel_by_student", "cancel_by_instructor"),
    Pair("LOCK", "reschedule_to_later", "cancel_by_student"),
    Pair("report instructor", "report_instructor", "capture_now"),
    Pair("place_hold", "place_hold", "cancel_by_student"),
    Pair("chargeback opened, settled", "chargeback", "refund_in_full"),
)


@pytest.mark.slow
def test_under_the_mutex_one_comes_after_the_other(world: World) -> None:
    races = Races(world)
    for pair in PAIRS[:2]:
        assert [violation for violation in races.walk(pair) if violation] == []
    assert audited(world) == []


@pytest.mark.slow
def test_without_the_mutex_row_locks_and_the_one_plan_hold(world: World) -> None:
    races, dice = Races(world), random.Random(SEED)
    for pair in PAIRS:
        every = races.at_every_stop(pair, NO_MUTEX)
        for race in dice.sample(every, min(2, len(every))):
            assert races.run(race) is None
    assert audited(world) == []


def test_what_plans_nothing_waits_for_a_plan_too(world: World) -> None:
    """A report that waited for the lock while a capture was decided does not freeze it half-way."""
    races = Races(world)
    for second in ("report_student", "dispute_completion"):
        pair = Pair("capture", "capture", second)
        assert races.run(races.at_every_stop(pair, NO_MUTEX)[0]) is None


def test_what_was_read_before_the_lock_is_read_again(world: World) -> None:
    """A card that is changed while the hold is being declined is tried at once."""
    races = Races(world)
    pair = Pair("place_hold declined", "change_card", "place_hold")
    for race in races.at_every_stop(pair, NO_MUTEX)[:2]:
        assert races.run(race) is None


def test_without_any_protection_damage_is_found(world: World) -> None:
    races, pair = Races(world), Pair("capture", "capture", "staff_cancel_without_refund")
    races.one_after_the_other(pair)
    with no_protection():
        found = next(filter(None, map(races.run, races.at_every_stop(pair, NO_MUTEX))), None)
        world.reset()
    assert found
    assert any("captured" in line or "card_charged_cents" in line for line in found.wrong)
