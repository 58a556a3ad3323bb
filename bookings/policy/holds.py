"""When holds are placed, tried again, warned about and given up; and captures likewise (policy 4)."""

from datetime import datetime, timedelta

HOLD_BEFORE = timedelta(hours=24)
RETRY_AFTER = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=8))  # after the first, second, third failure
LAST_RETRY_BEFORE = timedelta(hours=13)  # the last retry, with the final warning
GIVE_UP_BEFORE = timedelta(hours=12)
CHECKOUT_LIMIT = timedelta(minutes=30)  # from the first attempt of an immediate checkout
PENDING_LIMIT = timedelta(minutes=30)  # a booking nobody checked out

CAPTURE_AFTER = timedelta(hours=24)  # after the lesson's end
CAPTURE_RETRY_EVERY = timedelta(hours=4)
CAPTURE_ESCALATE_AFTER = timedelta(hours=72)  # after the first failure
SECURE_BEFORE = timedelta(hours=12)  # before capture_before, in a freeze


def hold_due_at(starts_at: datetime) -> datetime:
    return starts_at - HOLD_BEFORE


def capture_due_at(ends_at: datetime) -> datetime:
    return ends_at + CAPTURE_AFTER


def give_up_at(starts_at: datetime) -> datetime:
    return starts_at - GIVE_UP_BEFORE


def warn_at(starts_at: datetime) -> datetime:
    return starts_at - LAST_RETRY_BEFORE


def next_attempt_at(*, starts_at: datetime, failures: int, last_attempt: datetime) -> datetime | None:
    """When a declined hold is tried again: T−23 h, T−19 h, T−13 h when the first try was on time (policy 4.3).

    1 h, 4 h and 8 h after the last attempt, each brought forward to T−13 h so that it still happens; None when no
    attempt is left: three retries done, or T−13 h has passed.
    """
    if not 1 <= failures <= len(RETRY_AFTER):
        return None
    last_chance = starts_at - LAST_RETRY_BEFORE
    if last_attempt >= last_chance:
        return None
    return min(last_attempt + RETRY_AFTER[failures - 1], last_chance)


def next_capture_at(*, last_attempt: datetime) -> datetime:
    return last_attempt + CAPTURE_RETRY_EVERY


def escalates_at(first_failure: datetime) -> datetime:
    return first_failure + CAPTURE_ESCALATE_AFTER
