"""`make faults`: every Stripe call of every money operation meets every fault. See faulting.py.

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
    """All faults of one operation, or a sample of them."""
    from .faulting import Faults, parse_case
    from .registry import OPERATIONS

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


if __name__ == "__main__":
    sys.exit(main("faults", play, operations, "calls"))
