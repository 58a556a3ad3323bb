"""How long before a lesson it is: elapsed time between instants, to the second (policy 2)."""

from datetime import datetime, timedelta
from enum import StrEnum

DAY_BEFORE = timedelta(hours=24)
HALF_DAY_BEFORE = timedelta(hours=12)


class Window(StrEnum):
    FREE = "free"
    LATE = "late"
    LAST_MINUTE = "last_minute"


def window_of(*, starts_at: datetime, now: datetime) -> Window:
    """`free` from 24 h before, `late` from 12 h before, else `last_minute` (also after the start)."""
    notice = starts_at - now
    if notice >= DAY_BEFORE:
        return Window.FREE
    return Window.LATE if notice >= HALF_DAY_BEFORE else Window.LAST_MINUTE


def window_changes_at(*, starts_at: datetime, now: datetime) -> datetime | None:
    """The last instant of the current window's terms: one second later they are worse. None when they no longer change."""
    window = window_of(starts_at=starts_at, now=now)
    if window is Window.LAST_MINUTE:
        return None
    return starts_at - (DAY_BEFORE if window is Window.FREE else HALF_DAY_BEFORE)
