"""`make faults`: every Stripe call of every money operation meets every fault (faulting.py); Stripe's events come five
times over, shuffled and late, and a worker's clock is off (disturbances.py).

python -m tests.harness.faults --only "cancel late"
python -m tests.harness.faults --case "cancel late@6/500_after"
"""

import random
import sys
from typing import TYPE_CHECKING

from .crash import operations
from .matrix import Options, Tell, main

if TYPE_CHECKING:
    from .world import World


def play(world: "World", unit: str, options: Options, tell: Tell) -> int:
    """All faults of one operation, or a sample of them; or its events and clocks disturbed."""
    from .disturbances import DISTURBANCES
    from .faulting import Faults, parse_case
    from .registry import OPERATIONS

    kind, _, operation = unit.partition(": ")
    if kind in DISTURBANCES:
        return DISTURBANCES[kind](world, OPERATIONS[operation], options, tell)
    faults = Faults(world, OPERATIONS[unit])
    if options.case:
        tell(faults.run(parse_case(options.case)))
        return len(faults.calls)
    todo = list(faults.cases())
    if options.sample:
        todo = random.Random(f"{options.seed}:{unit}").sample(todo, min(options.sample, len(todo)))
    for case in todo:
        tell(faults.run(case))
    return len(faults.calls)


def units() -> list[str]:
    """Every operation, and every operation with its events and with clocks disturbed."""
    names = operations()
    from .disturbances import DISTURBANCES

    return [*names, *(f"{kind}: {name}" for kind in DISTURBANCES for name in names)]


if __name__ == "__main__":
    sys.exit(main("faults", play, units, "calls"))
