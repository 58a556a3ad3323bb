"""Cancel or move a lesson: both outcomes to the cent before one decides; asked again when the terms change meanwhile."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.dateparse import parse_date

from bookings import operations, quotes
from bookings.models import Booking
from common.actors import Role
from pages.door import FormPage, to
from pages.forms import PageForm, Text, Words
from pages.viewer import zone_for
from payments.vocabulary import PaymentStatus as S

from .reading import LessonPage
from .slots import FURTHEST, WEEK, week_of

KEEP = "keep"


class LessonForm(LessonPage, FormPage):
    """A form about one lesson. Its page goes back to the lesson."""

    roles: ClassVar[tuple[Role, ...]] = (Role.STUDENT, Role.INSTRUCTOR)

    def done_url(self, result: Any) -> str:
        booking = result if isinstance(result, Booking) else getattr(result, "booking", None)
        return to("lesson", booking_id=booking.pk if booking else self.kwargs["booking_id"])


class DecisionForm(LessonForm):
    """A form whose first button keeps everything as it is."""

    scope = "money"

    def post(self, request: HttpRequest, **path: Any) -> HttpResponse:
        if request.POST.get("decision") == KEEP:
            return HttpResponseRedirect(to("lesson", **path))
        return super().post(request, **path)


class CancelInput(PageForm):
    reason = Words(
        label="Why do you cancel?",
        max_length=500,
        help_text="The other side reads this. A few words are enough.",
        error_messages={"required": "Say in a few words why."},
    )
    quote_id = Text(max_length=400, widget=forms.HiddenInput)


class Cancel(DecisionForm):
    """What cancelling comes to now, until when, and the button."""

    template, title, form = "pages/lessons/cancel.html", "Cancel this lesson?", CancelInput
    done_words = "The lesson is cancelled."

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        quote = quotes.cancellation_quote(content["booking"], self.actor, self.now)
        return {**content, "quote": quote, "is_held": content["booking"].payment.status == S.AUTHORIZED}

    def operate(self, *, booking_id: str, reason: str, quote_id: str) -> Booking:
        return operations.cancel_booking(
            booking_id=booking_id,
            actor=self.actor,
            reason=reason,
            agreed=quotes.agreed_cancellation(quote_id, self.actor, self.now, nothing),
            now=self.now,
        )


class MoveInput(PageForm):
    starts_at = forms.DateTimeField(
        label="New time",
        input_formats=["%Y-%m-%dT%H:%M:%S%z"],
        error_messages={"required": "Choose a new time first.", "invalid": "Choose one of the times below."},
    )
    quote_id = Text(max_length=400, widget=forms.HiddenInput)


class Move(DecisionForm):
    """What moving comes to, said before a time is picked, and the free times."""

    template, title, form = "pages/lessons/move.html", "Move this lesson", MoveInput
    roles = (Role.STUDENT,)
    done_words = "The lesson is moved."

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        booking: Booking = content["booking"]
        return {
            **content,
            "quote": quotes.reschedule_quote(booking, self.now),
            "week": week_of(
                booking.service.instructor,
                minutes=booking.duration_minutes,
                location_type=booking.location_type,
                moving=booking,
                zone=zone_for(self.request),
                now=self.now,
                **shown_days(self.typed, zone_for(self.request), self.now),
                student=booking.student,
            ),
        }

    def operate(self, *, booking_id: str, starts_at: datetime, quote_id: str) -> Booking:
        return operations.reschedule_booking(
            booking_id=booking_id,
            actor=self.actor,
            starts_at=starts_at,
            agreed=quotes.agreed_reschedule(quote_id, starts_at, self.now, nothing),
            now=self.now,
        )


def nothing(quote: object) -> None:
    """The new quote is not carried by the refusal: the page, shown again, quotes anew."""


def shown_days(typed: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Which week and day a page of free times shows: those asked for, else those of the time that was chosen."""
    number, day = week_number(str(typed.get("week", ""))), day_in(str(typed.get("day", "")))
    if day is None and (chosen := instant_in(str(typed.get("starts_at", "")))):
        day = chosen.astimezone(zone).date()
        ahead = (day - now.astimezone(zone).date()).days
        number = ahead // WEEK if 0 <= ahead < FURTHEST * WEEK else 0
    return {"number": number, "day": day}


def instant_in(text: str) -> datetime | None:
    """An instant as our forms carry it, or None."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None


def week_number(text: str) -> int:
    """Which week is shown, from 0 (this one); anything else is this one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 and int(text) < FURTHEST else 0


def day_in(text: str) -> date | None:
    """A day of the calendar, or None."""
    try:
        return parse_date(text)
    except ValueError:
        return None
