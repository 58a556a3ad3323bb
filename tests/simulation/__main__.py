"""`make simulate SEED= DAYS= PEOPLE= OUT=`."""

import os
import sys
from pathlib import Path

from tests.support import environment


def main() -> int:
    """Tell one story from its seed; 0 when nothing went wrong."""
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    given = Path(os.environ.get("INSTAINSTRU_HOME") or environment.BASE_DIR / ".instainstru")
    out = Path(os.environ.get("OUT") or given / "simulation.png")
    home = environment.settle_in()
    try:
        from .show import show

        return show(home, out)
    finally:
        environment.leave(home)


if __name__ == "__main__":
    sys.exit(main())
