"""Jobs' work on one booking, as tasks: what the cluster is given while a request is on its way."""

from typing import Any

from bookings import jobs, operations
from common import clock
from common.actors import job


def capture(booking_id: str) -> dict[str, Any]:
    """`capture_completed_lessons`, for one lesson."""
    name = "capture_completed_lessons"
    work = lambda b: operations.capture_lesson(booking_id=b, actor=job(name), now=clock.now())  # noqa: E731
    return jobs._each(name, [booking_id], work).as_dict()


def place_hold(booking_id: str) -> dict[str, Any]:
    """`process_scheduled_authorizations`, for one booking."""
    name = "process_scheduled_authorizations"
    work = lambda b: operations.place_hold(booking_id=b, actor=job(name), now=clock.now())  # noqa: E731
    return jobs._each(name, [booking_id], work).as_dict()
