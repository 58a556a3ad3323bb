"""`make bench SMALL=2000 LARGE=200000`: exits 1 when something grew with the market, or a job reads a big table whole."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support import environment

if TYPE_CHECKING:
    from .measures import Measured

GROWS = 5.0  # a hundredfold market may cost at most so many times as long, beyond what cannot be told from noise
NOISE_MILLISECONDS = 5.0


def main() -> int:
    """Measure at both sizes, show the table; 0 when nothing grew."""
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    small, large = int(os.environ.get("SMALL") or 2_000), int(os.environ.get("LARGE") or 200_000)
    home = environment.settle_in()
    try:
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else 140)
        before, after = (_at(size, console.print) for size in (small, large))
        return _tell(small, large, before, after, console.print)
    finally:
        environment.leave(home)


def _at(size: int, say: Callable[[str], None]) -> "dict[str, Measured]":
    from django.conf import settings

    from tests.support.database import Cleaner, database_of_this_process

    from .filling import fill
    from .measures import asked, measure

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.RATE_LIMITS_PER_MINUTE = dict.fromkeys(settings.RATE_LIMITS_PER_MINUTE, 1_000_000)
    with database_of_this_process():
        say(f"Filling a market with {size:,} lessons")
        market = fill(size)
        say("Asking")
        measured = {name: measure(ask) for name, ask in asked(market)}
        Cleaner().empty()
    return measured


def _tell(
    small: int, large: int, before: "dict[str, Measured]", after: "dict[str, Measured]", say: Callable[..., None]
) -> int:
    from rich.table import Table

    table = Table("What", f"{small:,} lessons", f"{large:,} lessons", "Ratio", "Statements", "", title="make bench")
    wrong = 0
    for name, then in before.items():
        now = after[name]
        ratio = (now.milliseconds + NOISE_MILLISECONDS) / (then.milliseconds + NOISE_MILLISECONDS)
        faults = [f"reads {table} whole" for table in now.scanned if name.startswith("job")]
        faults += ["grew"] * (ratio > GROWS) + ["more statements"] * (now.queries > then.queries)
        wrong += bool(faults)
        bar = "█" * max(1, min(30, round(ratio * 3)))
        table.add_row(
            name, f"{then.milliseconds:.1f} ms", f"{now.milliseconds:.1f} ms", f"{ratio:.1f} {bar}", str(now.queries),
            ", ".join(faults), style="red" if faults else "",
        )  # fmt: skip
    say(table)
    say(f"{wrong} of {len(before)} grew with the market." if wrong else "Nothing grew with the market.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
