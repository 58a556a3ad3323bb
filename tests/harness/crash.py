"""`make crash`: every money operation killed at every boundary, and whatever may follow. See crashes.py.

python -m tests.harness.crash --only "cancel late"
python -m tests.harness.crash --case "cancel late@7/jobs+3"
"""

import random
import sys
from typing import TYPE_CHECKING

from .matrix import Options, Tell, main

if TYPE_CHECKING:
    from .world import World


def operations() -> list[str]:
    """Every operation, without standing anything up but Django."""
    from tests.support import environment

    environment.leave(environment.settle_in())
    from .registry import OPERATIONS

    return list(OPERATIONS)


def play(world: "World", unit: str, options: Options, tell: Tell) -> int:
    """All crashes of one operation, or a sample of them."""
    from .crashes import Case, Crashes, parse_case
    from .registry import OPERATIONS

    crashes = Crashes(world, OPERATIONS[unit])
    if options.case:
        tell(crashes.run(parse_case(options.case)))
        return len(crashes.boundaries)
    dice = random.Random(f"{options.seed}:{unit}")
    todo = list(crashes.cases(every=not options.sample))
    if options.sample:
        todo = dice.sample(todo, min(options.sample, len(todo)))
    for case in todo:
        found: list[Case] = []
        tell(crashes.run(case, doubles=found.append))
        for double in dice.sample(found, min(1, len(found))) if options.sample else found:
            tell(crashes.run(double))
    return len(crashes.boundaries)


if __name__ == "__main__":
    sys.exit(main("crash", play, operations, "boundaries"))
