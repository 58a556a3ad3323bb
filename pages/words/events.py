"""A lesson's history in words: what happened, who did it and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings.models import Booking, BookingEvent
from common.actors import Role
from common.money import dollars

# {who} is "You" or a name; what the other side or the system does reads as a sentence of its own.
BY_PEOPLE = {
    "booking_created": "{who} chose this time",
    "booking_cancelled": "{who} cancelled the lesson",
    "booking_moved_away": "{who} moved the lesson to another time",
    "booking_rescheduled": "{who} moved the lesson here",
    "lesson_locked": "{who} moved the lesson less than 24 hours before; its money is kept for the new time",
    "lesson_completed": "{who} said that the lesson took place",
    "no_show_disputed": "{who} answered the report",
    "completion_disputed": "{who} said that the lesson went otherwise",
    "card_changed": "{who} chose another card",
    "reschedule_declined": "{who} tried to move the lesson; the card was declined and it stayed",
}
BY_ITSELF = {
    "booking_confirmed": "The booking was confirmed",
    "authentication_requested": "The bank asked for a confirmation",
    "hold_placed": "The card was held",
    "hold_failed": "The card was declined",
    "hold_expired": "The hold on the card ran out",
    "hold_final_warning": "Last reminder to fix the card",
    "booking_expired": "The time went back to others, unpaid",
    "payment_released": "Nothing was charged",
    "lesson_completed": "The lesson took place",
    "payment_settled": "The money was settled",
    "capture_failed": "The card could not be charged",
    "capture_failed_again": "The card could not be charged again",
    "capture_escalated": "The instructor was paid by InstaInstru; the amount is still owed",
    "capture_repaid": "The missing payment came in",
    "funds_secured": "The money was secured while support decides",
    "review_opened": "Support looks at the payment",
    "review_resolved": "Support decided",
    "no_show_resolved": "The report was resolved",
    "no_show_withdrawn": "The report was withdrawn",
    "chargeback_opened": "The student's bank asked for the money back",
    "chargeback_clawed_back": "The payout was taken back while the bank decides",
    "chargeback_won": "The bank decided that the payment stands",
    "chargeback_lost": "The bank decided for the card's owner",
    "staff_refund": "Support refunded money",
}
NOT_FOR_PEOPLE = {"capture_failed_again"}
HIDDEN_FROM_INSTRUCTORS = {"card_changed", "authentication_requested", "hold_failed", "hold_expired", "hold_final_warning", "capture_failed", "reschedule_declined"}  # fmt: skip
NO_SHOWS = {"instructor": "the instructor did not come", "student": "the student did not come"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: datetime
    words: str
    reason: str


def history(events: list[BookingEvent], booking: Booking, *, role: str) -> list[Line]:
    """The lines somebody may read, oldest first. An instructor does not read about the student's card."""
    hidden = NOT_FOR_PEOPLE | (HIDDEN_FROM_INSTRUCTORS if role == Role.INSTRUCTOR else set())
    return [
        Line(event.at, _words(event, booking, role), _reason(event)) for event in events if event.kind not in hidden
    ]


def _words(event: BookingEvent, booking: Booking, role: str) -> str:
    who = _who(event, booking, role)
    if event.kind == "no_show_reported":
        return f"{who} reported that {NO_SHOWS.get(event.details.get('type', ''), 'somebody did not come')}"
    if who and event.kind in BY_PEOPLE:
        return BY_PEOPLE[event.kind].format(who=who)
    said = BY_ITSELF.get(event.kind) or BY_PEOPLE.get(event.kind, "{who} did something").format(who="InstaInstru")
    return said + _amount(event, role)


def _who(event: BookingEvent, booking: Booking, role: str) -> str:
    if event.actor_role == role:
        return "You"
    return {
        Role.STUDENT.value: booking.student.first_name,
        Role.INSTRUCTOR.value: booking.instructor.first_name,
        Role.STAFF.value: "Our support",
    }.get(event.actor_role, "")


def _amount(event: BookingEvent, role: str) -> str:
    """The amount that concerns this reader most, when the event has one."""
    amounts: dict[str, Any] = event.amounts
    names = (
        ("instructor_payout_cents",)
        if role == Role.INSTRUCTOR
        else ("card_charged_cents", "card_amount_cents", "locked_cents")
    )
    if event.kind in ("hold_placed", "payment_settled", "booking_confirmed"):
        for name in names:
            if amounts.get(name):
                return f" ({dollars(amounts[name])})"
    return ""


def _reason(event: BookingEvent) -> str:
    """What somebody wrote; not what the program wrote for itself."""
    return (
        event.reason
        if event.actor_role in (Role.STUDENT, Role.INSTRUCTOR, Role.STAFF) and event.reason != "Rescheduled"
        else ""
    )
