"""One story, day after day."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from tests.support.database import Cleaner
from tests.support.sandbox import Sandbox

from .director import Director
from .ground import START, Ground, standing_on
from .money import Money, money_of
from .world import World

DAY = timedelta(days=1)


@dataclass
class Story:
    """A story as far as it has been told."""

    world: World
    director: Director
    days: int = 0
    money: list[Money] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def a_world(seed: str, people: int, sandbox: Sandbox) -> Iterator[World]:
    """An empty world with its people in it."""
    cleaner = Cleaner()
    ground = Ground()
    with standing_on(ground):
        world = World(seed, people, sandbox, ground)
        world.begin(cleaner)
        try:
            yield world
        finally:
            world.end()
            cleaner.empty()


def tell(world: World, days: int, *, bookings_a_day: float) -> Iterator[Story]:
    """Play day after day; the story so far after each. Ends with the first day on which something is wrong."""
    random = Random(world.seed)
    story = Story(world, Director(world, random))
    for day in range(days):
        begins = START + (day + 1) * DAY
        wanted = bookings_a_day * random.uniform(0.6, 1.4)
        story.director.plan_day(begins, int(wanted) + (random.random() < wanted % 1))
        story.director.play_until(begins + DAY - timedelta(minutes=2))
        story.wrong = world.close_day()
        story.days = day + 1
        story.money.append(money_of(world))
        yield story
        if story.wrong:
            return
