"""When a lesson may be moved, and when moving it locks the money (policy 6)."""

from datetime import datetime
from enum import StrEnum

from common.problems import Refused

from .windows import Window, window_of


class Move(StrEnum):
    FREE = "free"
    LOCK = "lock"


class RescheduleWindowClosed(Refused):
    code, title = "reschedule_window_closed", "A lesson less than 12 hours away can no longer be moved"
    remedy = "Keep the lesson, or cancel it on the terms of `cancellation-quote`."


class RescheduleLocked(Refused):
    code, title = "reschedule_locked", "This lesson was already moved late once; it cannot be moved again"
    remedy = "Keep the lesson, or cancel it on the terms of `cancellation-quote`."


def move_allowed(*, starts_at: datetime, now: datetime, late_reschedule_used: bool) -> Move:
    """How a lesson may be moved. Raises RescheduleLocked or RescheduleWindowClosed."""
    if late_reschedule_used:
        raise RescheduleLocked()
    window = window_of(starts_at=starts_at, now=now)
    if window is Window.LAST_MINUTE:
        raise RescheduleWindowClosed()
    return Move.FREE if window is Window.FREE else Move.LOCK
