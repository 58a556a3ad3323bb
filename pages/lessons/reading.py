"""My lessons, and one lesson."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect

from bookings.models import Booking
from bookings.policy.holds import give_up_at
from bookings.queries import booking_seen_by, bookings_seen_by, timeline_of, upcoming
from bookings.state_machine import BookingStatus as B
from common.actors import Role
from pages.door import Page, to
from pages.viewer import zone_for
from pages.words.events import history
from pages.words.statuses import standing

from .actions import actions_for, needs_money, open_report_against
from .money import money_of
from .stepper import steps_of

PER_PAGE = 20


class MyLessons(Page):
    """Lessons still to come, soonest first."""

    template, title = "pages/lessons/list.html", "My lessons"
    is_past = False

    def content(self, **path: Any) -> dict[str, Any]:
        mine = bookings_seen_by(self.user)
        if self.is_past:
            rows = mine.exclude(pk__in=upcoming(mine, now=self.now).values("pk")).filter(rescheduled_to=None)
            rows = rows.order_by("-starts_at", "-id")
        else:
            rows = upcoming(mine, now=self.now).order_by("starts_at", "id")
        page = Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page"))
        return {"lessons": [self.row(booking) for booking in page], "page": page, "is_past": self.is_past}

    def row(self, booking: Booking) -> dict[str, Any]:
        zone = zone_for(self.request)
        return {
            "booking": booking,
            "other": other_of(booking, self.user.role),
            "standing": standing(booking, role=self.user.role, now=self.now, zone=zone),
        }


class PastLessons(MyLessons):
    """Lessons that are over or were cancelled, latest first."""

    title = "Past lessons"
    is_past = True


class LessonPage(Page):
    """A page about one lesson of the viewer's own."""

    def booking(self, booking_id: str) -> Booking:
        """The lesson. Raises NotFound: somebody else's is not there."""
        return booking_seen_by(self.user, booking_id)

    def content(self, *, booking_id: str, **path: Any) -> dict[str, Any]:
        booking = self.booking(booking_id)
        return {
            "booking": booking,
            "other": other_of(booking, self.user.role),
            "is_instructor": self.user.role == Role.INSTRUCTOR,
            "lesson_url": to("lesson", booking_id=booking.pk),
        }


class Lesson(LessonPage):
    """Everything about one lesson: where it stands, what it costs, what happened, what can be done."""

    template = "pages/lessons/lesson.html"

    def get(self, request: Any, **path: Any) -> HttpResponse:
        content = self.content(**path)
        booking: Booking = content["booking"]
        if booking.is_moved:  # links in older mails lead to where the lesson is now
            return HttpResponseRedirect(to("lesson", booking_id=booking.rescheduled_to.pk))
        return self.page(**content)

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        booking, role = content["booking"], self.user.role
        if booking.is_moved:
            return content
        actions = actions_for(booking, actor=self.actor, now=self.now)
        report = next((r for r in booking.no_show_reports.all() if r.resolved_at is None), None)
        return {
            **content,
            "title": booking.service.name,
            "standing": standing(booking, role=role, now=self.now, zone=zone_for(self.request)),
            "steps": steps_of(booking, self.now),
            "money": money_of(booking, role=role),
            "history": history(list(timeline_of(booking)), booking, role=role),
            "possible": [action for action in actions if action.possible],
            "impossible": [action for action in actions if not action.possible],
            "card_needed": role == Role.STUDENT and needs_money(booking),
            "gives_up_at": booking.payment.auth_cancel_at or give_up_at(booking.starts_at),
            "report": report,
            "accused": report is not None and open_report_against(booking, Role(role)) is not None,
            "calendar_url": f"/api/v1/bookings/{booking.pk}/calendar.ics",
            "is_pending": booking.status == B.PENDING,
        }


def other_of(booking: Booking, role: str) -> Any:
    """The person on the other side of the lesson."""
    return booking.student if role == Role.INSTRUCTOR else booking.instructor
