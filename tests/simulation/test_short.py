"""A few days of the simulated market; `make simulate` tells months."""

import os

import pytest

from tests.support.sandbox import Sandbox

from .market import a_world, tell
from .story import chronicle, lessons_in


@pytest.mark.slow
def test_a_few_days_with_everything_going_wrong(house: None, sandbox: Sandbox) -> None:
    seed = os.environ.get("SEED") or "short"
    with a_world(seed, 16, sandbox) as world:
        for story in tell(world, 5, bookings_a_day=4.5):
            told = "\n".join(
                line for lesson in sorted(lessons_in(world, story.wrong)) for line in chronicle(world, lesson)
            )
            assert not story.wrong, f"SEED={seed}, day {story.days}:\n" + "\n".join(story.wrong) + f"\n{told}"
        assert len(world.lessons) >= 15
        assert world.counts["killed"]
        assert world.counts["at once"]


@pytest.mark.slow
def test_the_same_seed_tells_the_same_story(house: None, sandbox: Sandbox) -> None:
    told = []
    for _ in range(2):
        with a_world("again", 3, sandbox) as world:
            list(tell(world, 2, bookings_a_day=2))
            told.append([(str(done.act), done.result) for done in world.done])
    assert told[0] == told[1]
