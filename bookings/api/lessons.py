"""`bookings/…`: booking a lesson, reading about it, changing plans."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import operations
from bookings.models import Booking, BookingEvent
from bookings.queries import booking_seen_by, bookings_seen_by, narrowed, timeline_of, upcoming
from catalog.local_time import resolve_local_start

from . import inputs, quotes
from .answers import BookingDocument, hidden_from
from .base import BookingApi, LatestFirst, ListView, MoneyView, OperationView, SoonestFirst
from .operation_answers import BookedDocument, CardChangedDocument, EventDocument, ReportedDocument, RetriedDocument


class Bookings(ListView, OperationView):
    """The caller's bookings, latest first; POST books a lesson."""

    who = {"GET": "anybody logged in: their own, staff all", "POST": "student"}
    filters, shows = inputs.BookingFilters, BookingDocument
    takes, answers, answer_status = inputs.BookOrUsePackageInput, BookedDocument, 201
    operation_id = {"GET": "list_bookings", "POST": "book_lesson"}

    def rows(self, upcoming: bool, past: bool, **filters: Any) -> QuerySet[Booking]:
        return narrowed(bookings_seen_by(self.user), now=self.now, is_upcoming=upcoming, is_past=past, **filters)

    def operate(self, package_id: str | None, **values: Any) -> operations.Booked:
        if package_id:
            values["package_id"] = package_id
            return operations.book_with_package(actor=self.actor, now=self.now, request_key=self.request_key, **values)
        return operations.book_lesson(actor=self.actor, now=self.now, request_key=self.request_key, **values)


class UpcomingBookings(ListView):
    """Lessons that stand and have not ended, soonest first."""

    who = "anybody logged in: their own, staff all"
    pagination_class = SoonestFirst
    operation_id = {"GET": "list_upcoming_bookings"}

    def rows(self) -> QuerySet[Booking]:
        return upcoming(bookings_seen_by(self.user), now=self.now)


class OneBooking(BookingApi):
    """One booking and its money."""

    who = "participants, staff"
    operation_id = {"GET": "read_booking"}

    def get(self, request: Request, booking_id: str) -> Response:
        return Response(self.render(booking_seen_by(self.user, booking_id)))


class OldestFirst(LatestFirst):
    page_size = max_page_size = 100
    ordering = ("at", "id")


class Timeline(ListView):
    """What happened to a lesson: what, when, who, why; oldest first, through its reschedules."""

    who = "participants, staff"
    answers, pagination_class = EventDocument, OldestFirst
    operation_id = {"GET": "read_timeline"}

    def rows(self, booking_id: str) -> QuerySet[BookingEvent]:
        return timeline_of(booking_seen_by(self.user, booking_id))

    def context(self) -> dict[str, Any]:
        if not hidden_from(self.user):
            return {}
        return {"hidden": ("amounts", "stripe_ids")}


class Cancel(MoneyView):
    """Cancel. Doing it twice is harmless: the first answer again."""

    who = "participants"
    takes = inputs.CancelInput
    operation_id = {"POST": "cancel_booking"}

    def operate(self, booking_id: str, reason: str, quote_id: str | None) -> Booking:
        agreed = quotes.cancelling_as_quoted(quote_id, self.user, self.now)
        return operations.cancel_booking(
            booking_id=booking_id, actor=self.actor, reason=reason, agreed=agreed, now=self.now
        )


class Reschedule(OperationView):
    """Move the lesson. Answers the new booking; the old one is cancelled and the money follows."""

    who = "student"
    takes = inputs.RescheduleInput
    operation_id = {"POST": "reschedule_booking"}

    def operate(self, booking_id: str, quote_id: str | None, **start: Any) -> Booking:
        starts_at = _instant(**start)
        agreed = quotes.moving_as_quoted(quote_id, starts_at, self.now)
        return operations.reschedule_booking(
            booking_id=booking_id, actor=self.actor, starts_at=starts_at, agreed=agreed, now=self.now
        )


class ChangePaymentMethod(OperationView):
    """Pay with another card from now on; when the lesson is due, it is tried at once."""

    who = "student"
    takes, answers = inputs.PaymentMethodInput, CardChangedDocument
    http_method_names = ("patch", "options")
    operation_id = {"PATCH": "change_payment_method"}

    def patch(self, request: Request, **path: Any) -> Response:
        return self.post(request, **path)

    def operate(self, **values: Any) -> operations.CheckedOut:
        return operations.change_payment_method(actor=self.actor, now=self.now, **values)


class ConfirmPayment(ChangePaymentMethod):
    """The same as PATCH payment-method, under its old name."""

    http_method_names = ("post", "options")
    deprecated = True
    operation_id = {"POST": "confirm_payment"}


class RetryPayment(OperationView):
    """Try the card again."""

    who = "student"
    answers = RetriedDocument
    operation_id = {"POST": "retry_payment"}

    def operate(self, booking_id: str) -> operations.CheckedOut:
        return operations.retry_payment(booking_id=booking_id, actor=self.actor, now=self.now)


@dataclass(frozen=True, slots=True)
class Reported:
    """A no-show report, and until when the accused may dispute it."""

    booking: Booking
    dispute_window_ends: datetime


class ReportNoShow(OperationView):
    """Say that the other side did not come; support may say it of either."""

    who = "participants, staff"
    takes, answers = inputs.ReportNoShowInput, ReportedDocument
    operation_id = {"POST": "report_no_show"}

    def operate(self, no_show_type: str, **values: Any) -> Reported:
        booking = operations.report_no_show(actor=self.actor, now=self.now, no_show_type=no_show_type, **values)
        report = booking.no_show_reports.filter(type=no_show_type).latest("reported_at")
        return Reported(booking, report.dispute_window_ends)


class DisputeNoShow(OperationView):
    """The accused answers; support decides."""

    who = "the accused"
    takes = inputs.DisputeNoShowInput
    operation_id = {"POST": "dispute_no_show"}

    def operate(self, **values: Any) -> Booking:
        return operations.dispute_no_show(actor=self.actor, now=self.now, **values)


class Complete(OperationView):
    """The instructor says that the lesson took place."""

    who = "instructor"
    takes = inputs.CompleteInput
    operation_id = {"POST": "complete_lesson"}

    def operate(self, **values: Any) -> Booking:
        return operations.complete_lesson(actor=self.actor, now=self.now, **values)


def _instant(*, starts_at: datetime | None, local_start: datetime | None, timezone: str | None) -> datetime:
    if starts_at is not None:
        return starts_at
    assert local_start, "StartInput asks for one or the other"
    assert timezone
    return resolve_local_start(local_start, timezone)
