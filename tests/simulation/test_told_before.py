"""Stories that once went wrong, as short as they could be told."""

from datetime import datetime, timedelta

import pytest

from tests.support.sandbox import Sandbox

from .acts import Act
from .choices import REASON
from .ground import START
from .story import tell_again

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FIRST = START + 2 * DAY + 18 * HOUR  # when the lesson is to begin
REVERSAL_REFUSED = {
    "method": "POST",
    "path": "/v1/transfers/*/reversals",
    "kind": "refuse",
    "count": 1,
    "error": {"type": "invalid_request_error", "code": "balance_insufficient", "message": "Refused for the story."},
}


def booked(hours: float = 40, *, credits: int = 0) -> list[Act]:
    """A lesson booked and checked out so long before it begins."""
    at = FIRST - hours * HOUR
    book = {
        "student": 0,
        "instructor": 0,
        "service": 0,
        "starts_at": FIRST,
        "duration_minutes": 60,
        "location_type": "online",
    }
    return [
        Act(at, "book", 1, args=book),
        Act(at + 5 * MINUTE, "check_out", 1, args={"requested_credit_cents": credits}),
    ]


def resumed(at: datetime, resolution: str = "resume") -> Act:
    return Act(at, "resolve_review", 1, "staff", {"resolution": resolution, "reason": REASON})


def moved(at: datetime, to: datetime, **trouble: object) -> Act:
    return Act(at, "reschedule", 1, args={"starts_at": to}, **trouble)  # type: ignore[arg-type]


def reported(at: datetime, who: str, accused: str) -> Act:
    return Act(at, "report_no_show", 1, who, {"no_show_type": accused, "reason": REASON})


LATE = FIRST - 20 * HOUR
STORIES = {
    "a report that was rejected completes the lesson": [
        *booked(),
        reported(FIRST + HOUR, "student", "instructor"),
        Act(FIRST + 2 * HOUR, "dispute_no_show", 1, "instructor", {"reason": REASON}),
        Act(FIRST + 3 * HOUR, "resolve_no_show", 1, "staff", {"resolution": "dispute_upheld", "reason": REASON}),
    ],
    "a move whose reversal failed is let go on": [
        *booked(),
        moved(LATE, FIRST + DAY, faults=(REVERSAL_REFUSED,)),
        resumed(LATE + HOUR),
    ],
    "a move whose reversal failed is tried again": [
        *booked(),
        moved(LATE, FIRST + DAY, faults=(REVERSAL_REFUSED,)),
        resumed(LATE + HOUR),
        moved(LATE + 2 * HOUR, FIRST + DAY),
    ],
    "a move whose reversal failed is let go on and cancelled": [
        *booked(),
        moved(LATE, FIRST + DAY, faults=(REVERSAL_REFUSED,)),
        resumed(LATE + HOUR),
        Act(FIRST - HOUR, "cancel", 1, args={"reason": REASON}),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_it_goes_right_now(house: None, sandbox: Sandbox, name: str) -> None:
    assert tell_again(STORIES[name], "told before", 3, sandbox, days_after=4) == []
