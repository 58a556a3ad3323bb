"""`make truth`: the three truth tests, 1,000 times each, with the mutex on, off, and as a Redis that is killed.

python -m tests.harness.truth --times 50 --mode redis --only "cancel twice"
"""

import argparse
import sys
import time
from pathlib import Path

from .standing import standing_world

BATCH = 100


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.harness.truth")
    words.add_argument("--times", type=int, default=1000, help="bookings for each test in each mode")
    words.add_argument("--mode", choices=("postgres", "off", "redis"), help="one mutex instead of all three")
    words.add_argument("--only", default="", help="tests whose name contains this")
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    with standing_world() as world:
        from django.conf import settings
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from .truth_site import MODES, has_redis, site
        from .truth_tests import TRUTHS, Batch, Result

        console = Console(soft_wrap=True, highlight=False)
        modes = [given.mode] if given.mode else list(MODES)
        if "redis" in modes and not has_redis():
            console.print("SKIPPED: redis-server is not installed, so the mode redis was not tried.")
            modes.remove("redis")
        truths = [truth for name, truth in TRUTHS.items() if given.only in name]
        wrong, began = 0, time.monotonic()
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("", total=given.times * len(truths) * len(modes))
            for mode in modes:
                with site(mode, Path(settings.INSTAINSTRU_HOME)) as redis:
                    for truth in truths:
                        total, since, left = Result(), time.monotonic(), given.times
                        progress.update(bar, description=f"{truth.name}, mutex {mode}")
                        while left:
                            size = min(BATCH, left)
                            if redis:
                                redis.start()
                            batch = Batch(world, truth, size, f"{given.seed}:{mode}:{truth.name}:{left}")
                            total += batch.run(redis.kill if redis else lambda: None)
                            left -= size
                            progress.advance(bar, size)
                        wrong += len(total.wrong)
                        answers = ", ".join(f"{count} × {what}" for what, count in sorted(total.answers.items()))
                        took = time.monotonic() - since
                        console.print(
                            f"{truth.name}, mutex {mode}: {total.bookings} bookings in {took:.0f} s; {answers}; "
                            f"{len(total.wrong)} violations",
                            markup=False,
                        )
                        for line in total.wrong[:20]:
                            console.print(f"  !! {line}", markup=False)
        console.print(f"truth: {wrong} violations, in {time.monotonic() - began:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
