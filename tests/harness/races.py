"""`make races`: every two money operations that can meet on a booking, at every boundary, with the mutex and without it.

python -m tests.harness.races --only "cancel late"
python -m tests.harness.races --case "cancel late@cancel_by_student/capture_now 6 off"
python -m tests.harness.races --unprotected

The last is the positive control: without mutex, row locks, fresh reads and the one unfinished plan, damage must be found.
"""

import random
import sys
from typing import TYPE_CHECKING

from .crash import operations
from .matrix import Options, Tell, main

if TYPE_CHECKING:
    from .world import World


def play(world: "World", unit: str, options: Options, tell: Tell) -> int:
    """All races on one operation's stage, or a sample of them; returns how many pairs can meet there."""
    from .races_plan import meetings, plan
    from .races_play import MUTEX, Races, parse_race
    from .registry import OPERATIONS

    races = Races(world)
    if options.case:
        tell(races.run(parse_race(options.case)))
        return 1
    meeting = meetings(world, OPERATIONS[unit])
    todo = [race for pair in meeting for race in plan(races, pair)]
    if options.sample and options.sample < len(todo):
        todo = random.Random(f"{options.seed}:{unit}").sample(todo, options.sample)
    for race in todo:
        if race.mode == MUTEX:
            for violation in races.walk(race.pair):
                tell(violation)
        else:
            tell(races.run(race))
    return len(meeting)


CONTROL = (
    ("capture", "capture", "staff_cancel_without_refund"),
    ("capture", "capture", "dispute_completion"),
    ("report instructor", "report_instructor", "capture_now"),
    ("refund in full", "refund_in_full", "refund_in_part"),
)


def unprotected() -> int:
    """The positive control; the exit code is 0 when every pair is damaged."""
    from .standing import standing_world

    with standing_world() as world:
        from .races_play import NO_MUTEX, Pair, Races
        from .sabotage_patches import no_protection

        whole = 0
        for names in CONTROL:
            races, pair = Races(world), Pair(*names)
            races.one_after_the_other(pair)
            with no_protection():
                found = list(filter(None, map(races.run, races.at_every_stop(pair, NO_MUTEX))))
            print(f"{pair}: {len(found)} races with damage", *(f"  {found[0]}".splitlines() if found else ()), sep="\n")
            whole += not found
            world.reset()
    print("Every pair is damaged, as it must be." if not whole else f"{whole} PAIRS STAY WHOLE: they test nothing.")
    return int(whole > 0)


if __name__ == "__main__":
    sys.exit(unprotected() if "--unprotected" in sys.argv else main("races", play, operations, "pairs"))
