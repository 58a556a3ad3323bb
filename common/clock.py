"""The one clock. Doors call `now()` once and pass it down; nothing else asks for the time.

Outside sandbox mode this is the system clock and cannot be moved. In sandbox mode an offset, kept in one small file that
every process of the same INSTAINSTRU_HOME reads, moves site, jobs and Stripe sandbox together.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

ZERO = timedelta()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def now() -> datetime:
    """The current instant, UTC, in the platform's time."""
    return system_now() + offset()


def system_now() -> datetime:
    """The machine's own time: for leases, request ages and everything that must not follow a moved clock."""
    return datetime.now(UTC)


def offset() -> timedelta:
    """How far the platform's time is ahead of the machine's. Zero outside sandbox mode."""
    if not settings.SANDBOX_MODE:
        return ZERO
    path = _path()
    try:
        changed = os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return ZERO
    return _read(str(path), changed)


def move_to(instant: datetime) -> datetime:
    """Move the platform's time forward to `instant`. Sandbox mode only.

    Raises RuntimeError outside sandbox mode and ValueError for an instant in the past: time never runs backwards.
    """
    if not settings.SANDBOX_MODE:
        raise RuntimeError("The clock can be moved in sandbox mode only.")
    ahead = instant - system_now()
    if ahead < offset():
        raise ValueError(f"The clock stands at {now():%Y-%m-%dT%H:%M:%SZ} and cannot be moved back to {instant}.")
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
    draft.write_text(json.dumps({"offset_microseconds": ahead // timedelta(microseconds=1)}))
    draft.replace(path)
    return now()


def _path() -> Path:
    return Path(settings.INSTAINSTRU_HOME) / "clock.json"


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> timedelta:
    return timedelta(microseconds=json.loads(Path(path).read_text())["offset_microseconds"])
