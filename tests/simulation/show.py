"""Tell a story to somebody who watches: progress, a summary, a picture; and what went wrong, as short as it can be told."""

import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from common.money import dollars
from tests.support.database import database_of_this_process
from tests.support.sandbox import Sandbox, running_sandbox

from .market import Story, a_world, tell
from .picture import draw
from .story import chronicle, lessons_in, shortest, tell_again
from .world import World

SECONDS_TO_SHORTEN = 240
PEOPLE_PER_BOOKING_A_DAY = 4


def show(home: Path, out: Path) -> int:
    """Read SEED, DAYS and PEOPLE, tell the story, draw it to `out`. 1 when something went wrong."""
    seed = os.environ.get("SEED") or "1"
    days, people = int(os.environ.get("DAYS") or 60), int(os.environ.get("PEOPLE") or 40)
    console = Console(soft_wrap=True)
    port = int(os.environ["STRIPE_SANDBOX_PORT"])
    with database_of_this_process(), running_sandbox(home, port) as sandbox:
        began = time.monotonic()
        with a_world(seed, people, sandbox) as world:
            story = _watch(world, days, people, console)
            console.print(_summary(story, time.monotonic() - began))
            draw(story.money, out, f"SEED={seed} DAYS={story.days} PEOPLE={people}")
            console.print(f"Picture: {out}")
            if not story.wrong:
                return 0
            lessons = lessons_in(world, story.wrong)
            _say_wrong(story, lessons, console)
        _say_shortest(story, lessons, people, sandbox, console)
        console.print(f"Again: make simulate SEED={seed} DAYS={story.days} PEOPLE={people}", style="bold")
    return 1


def _watch(world: World, days: int, people: int, console: Console) -> Story:
    columns = (*Progress.get_default_columns(), TimeElapsedColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Simulating", total=days, said="")
        for story in tell(world, days, bookings_a_day=people / PEOPLE_PER_BOOKING_A_DAY):
            said = f"day {story.days}, {len(world.lessons)} bookings, {len(world.done)} acts"
            progress.update(bar, completed=story.days, said=said)
            if not sys.stdout.isatty() and story.days % 5 == 0:
                console.print(said)
    return story


def _summary(story: Story, seconds: float) -> Table:
    world, last = story.world, story.money[-1]
    table = Table("What", "How much", title=f"{story.days} days, seed {world.seed}")
    table.columns[1].justify = "right"
    table.add_row("Bookings", str(len(world.lessons)))
    table.add_row("Acts of people, banks and jobs", str(len(world.done)))
    for name, number in sorted(world.counts.items()):
        table.add_row(f"  {name}", str(number))
    table.add_row("Webhooks delivered / lost for good", f"{world.courier.delivered} / {world.courier.lost}")
    table.add_section()
    for name, number in sorted(last.outcomes.items(), key=lambda pair: -pair[1]):
        table.add_row(name, str(number))
    table.add_section()
    for label, cents in (
        ("Charged to cards", last.charged),
        ("Refunded to cards", last.refunded),
        ("Paid to instructors", last.paid_out),
        ("Credit owed to students", last.credits_owed),
        ("Stripe's fees", last.stripe_fees),
        ("Platform's balance, available", last.available),
        ("Platform's balance, pending", last.pending),
    ):
        table.add_row(label, dollars(cents))
    table.add_section()
    table.add_row("Wrong", str(len(story.wrong)))
    table.add_row("Time", f"{seconds:.0f} s")
    return table


def _say_wrong(story: Story, lessons: set[int], console: Console) -> None:
    console.print(f"\nWrong at the end of day {story.days}, seed {story.world.seed}:", style="bold red")
    for one in story.wrong:
        console.print(one, markup=False)
    for lesson in sorted(lessons)[:3]:
        console.print(f"\nLesson {lesson}:", style="bold")
        for line in chronicle(story.world, lesson):
            console.print(line, markup=False)


def _say_shortest(story: Story, lessons: set[int], people: int, sandbox: Sandbox, console: Console) -> None:
    console.print("\nThe shortest story that shows it:", style="bold")
    acts = shortest(
        story.world.done,
        lessons,
        story.wrong,
        lambda some: tell_again(some, story.world.seed, people, sandbox),
        seconds=SECONDS_TO_SHORTEN,
    )
    if acts is None:
        console.print("These lessons alone do not show it: it takes what happened around them.")
        return
    for act in acts:
        console.print(str(act), markup=False)
