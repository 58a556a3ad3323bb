"""`make sabotage`: one protection at a time is switched off, and a harness must notice.

python -m tests.harness.sabotage --only "no fresh read"

Nothing may be noticed before the first is switched off. The exit code is 1 when any sabotage survives.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .standing import standing_world

if TYPE_CHECKING:
    from .sabotage_table import Sabotage
    from .world import World


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.harness.sabotage")
    words.add_argument("--only", default="", help="sabotages whose name contains this")
    only = words.parse_args().only
    with standing_world() as world:
        from .sabotage_table import SABOTAGES

        return run(world, [sabotage for sabotage in SABOTAGES if only in sabotage.name])


def run(world: "World", sabotages: "Iterable[Sabotage]") -> int:
    """Play them with a progress bar and a table; the exit code."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    chosen, began, survived, unclean = list(sabotages), time.monotonic(), 0, 0
    console = Console(soft_wrap=True, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=2 * len(chosen))
        for sabotage in chosen:
            progress.update(bar, description=f"nothing is wrong: {sabotage.probe.harness}")
            wrong = sabotage.probe.clean(world)
            unclean += bool(wrong)
            if wrong:
                console.print(f"UNCLEAN   {sabotage.name}: without it, {wrong[0]}", markup=False)
            progress.advance(bar)
        for sabotage in chosen:
            progress.update(bar, description=sabotage.name)
            wrong = sabotage.noticed(world)
            survived += not wrong
            found = f"caught by {sabotage.probe.harness}: {wrong[0][:150]}" if wrong else "NOT NOTICED"
            console.print(f"{'caught' if wrong else 'SURVIVED':9} {sabotage.name:52} {found}", markup=False)
            progress.advance(bar)
    caught = len(chosen) - survived
    console.print(f"sabotage: {caught} of {len(chosen)} caught, in {time.monotonic() - began:.0f} s; {unclean} unclean")
    return int(survived > 0 or unclean > 0)


if __name__ == "__main__":
    sys.exit(main())
