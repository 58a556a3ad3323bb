"""Lessons of a package: who gets what when one is cancelled, and what becomes of its entitlement (policy 12)."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.actors import Role
from payments.vocabulary import Outcome

from .cancellation import ANY, BY_INSTRUCTOR_CAPTURED, LOCKED_LAST_MINUTE
from .terms import Credits, Terms
from .windows import Window, window_of

PAY_WITHIN = timedelta(minutes=30)  # a draft holds its time so long


class Entitled(StrEnum):
    """What becomes of an entitlement when its lesson's money is final."""

    BACK = "back"
    USED = "used"


RETURNED = Terms(Outcome.ENTITLEMENT_RETURNED, (), Credits.RELEASE)


@dataclass(frozen=True, slots=True)
class Row:
    """`late_before`: the entitlement's one late cancellation or move was made already."""

    who: Role
    windows: Container[Window]
    late_before: Container[bool]
    terms: Terms


ROWS = (
    Row(Role.STUDENT, (Window.FREE,), ANY, RETURNED),
    Row(Role.STUDENT, (Window.LATE,), (False,), RETURNED),
    Row(Role.STUDENT, (Window.LATE,), (True,), LOCKED_LAST_MINUTE),
    Row(Role.STUDENT, (Window.LAST_MINUTE,), ANY, LOCKED_LAST_MINUTE),
    Row(Role.INSTRUCTOR, ANY, ANY, BY_INSTRUCTOR_CAPTURED),
)
USED_BY = (Outcome.LESSON_COMPLETED, Outcome.STUDENT_NO_SHOW, Outcome.LOCKED_CANCEL_LAST_MINUTE)
BLAMELESS = (
    Outcome.INSTRUCTOR_CANCEL,
    Outcome.INSTRUCTOR_NO_SHOW,
    Outcome.MUTUAL_NO_SHOW,
    Outcome.STUDENT_WINS_DISPUTE,
    Outcome.ADMIN_REFUND,
)


def package_cancellation_terms(*, who: Role, starts_at: datetime, now: datetime, late_before: bool) -> Terms:
    """The terms on which a paid package's lesson is cancelled. Raises LookupError for anybody else."""
    window = window_of(starts_at=starts_at, now=now)
    for row in ROWS:
        if row.who is who and window in row.windows and late_before in row.late_before:
            return row.terms
    raise LookupError(f"No cancellation terms for {who}, {window}")


def entitlement_after(outcome: Outcome) -> Entitled:
    """Used when the instructor was paid for the lesson, wholly or half; else it comes back."""
    return Entitled.USED if outcome in USED_BY else Entitled.BACK


def entitlement_quoted(outcome: Outcome, *, starts_at: datetime, now: datetime) -> str:
    """As told beforehand: `back`, `back_once` when it is the entitlement's one late change, or `used`."""
    return "back_once" if is_late(outcome, starts_at=starts_at, now=now) else entitlement_after(outcome)


def is_late(outcome: Outcome, *, starts_at: datetime, now: datetime) -> bool:
    """Whether a cancellation is the entitlement's one late one."""
    return outcome == Outcome.ENTITLEMENT_RETURNED and window_of(starts_at=starts_at, now=now) is Window.LATE
