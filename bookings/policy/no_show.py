"""What a no-show means for the money, and until when it may be reported and disputed (policy 7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.problems import Refused
from payments.vocabulary import Outcome

from .terms import COMPLETED, Credits, Share, Step, Terms

REPORT_FOR = timedelta(hours=24)  # after the lesson's end, inclusive
DISPUTE_FOR = timedelta(hours=24)  # after the report


class NoShowWindowClosed(Refused):
    code, title = "no_show_window_closed", "A no-show is reported from the lesson's start until 24 hours after its end"
    remedy = "Report within the window; afterwards write to support."


class DisputeWindowClosed(Refused):
    code, title = "dispute_window_closed", "A report can be disputed for 24 hours"
    remedy = "Write to support."


class Who(StrEnum):
    """Who, according to the reports, did not come."""

    INSTRUCTOR = "instructor"
    STUDENT = "student"
    BOTH = "both"


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Ends(StrEnum):
    """What the booking becomes."""

    NO_SHOW = "NO_SHOW"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Ruling:
    terms: Terms
    booking_becomes: Ends


_REFUND = (Step.CANCEL_INTENT, Step.REFUND_ALL)
INSTRUCTOR_REFUND = Terms(Outcome.INSTRUCTOR_NO_SHOW, _REFUND, Credits.RELEASE)
MUTUAL_REFUND = Terms(Outcome.MUTUAL_NO_SHOW, _REFUND, Credits.RELEASE)
STUDENT_PAYS = Terms(Outcome.STUDENT_NO_SHOW, (Step.AUTHORIZE, Step.CAPTURE, Step.PAY), Credits.FORFEIT, Share.ALL)
TOOK_PLACE = Terms(COMPLETED.outcome, (Step.AUTHORIZE, *COMPLETED.steps), COMPLETED.credits, COMPLETED.pays)

RULINGS: dict[tuple[Who, Verdict], Ruling] = {
    (Who.INSTRUCTOR, Verdict.CONFIRMED): Ruling(INSTRUCTOR_REFUND, Ends.NO_SHOW),
    (Who.INSTRUCTOR, Verdict.REJECTED): Ruling(TOOK_PLACE, Ends.COMPLETED),
    (Who.STUDENT, Verdict.CONFIRMED): Ruling(STUDENT_PAYS, Ends.NO_SHOW),
    (Who.STUDENT, Verdict.REJECTED): Ruling(INSTRUCTOR_REFUND, Ends.NO_SHOW),
    (Who.BOTH, Verdict.CONFIRMED): Ruling(MUTUAL_REFUND, Ends.NO_SHOW),
    (Who.BOTH, Verdict.REJECTED): Ruling(TOOK_PLACE, Ends.COMPLETED),
}


def refuse_report_outside(*, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises NoShowWindowClosed before the start and more than 24 h after the end."""
    if not starts_at <= now <= ends_at + REPORT_FOR:
        raise NoShowWindowClosed(opens_at=starts_at.isoformat(), closes_at=(ends_at + REPORT_FOR).isoformat())


def refuse_dispute_after(*, window_ends: datetime, now: datetime) -> None:
    """Raises DisputeWindowClosed after the 24 hours."""
    if now > window_ends:
        raise DisputeWindowClosed(closed_at=window_ends.isoformat())
