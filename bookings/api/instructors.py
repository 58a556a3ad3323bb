"""`instructor/…` and `instructors/…`: an instructor's own lessons, and the times anybody may book."""

from typing import Any

from django.db.models import QuerySet

from bookings import operations
from bookings.models import Booking
from bookings.queries import bookings_seen_by, completed, narrowed, to_complete, upcoming

from . import inputs
from .base import IsInstructor, LatestFirst, ListView, OperationView, SoonestFirst
from .lessons import Complete


class Lessons(ListView):
    """The instructor's lessons, latest first."""

    permission_classes = (IsInstructor,)
    filters = inputs.BookingFilters
    operation_id = {"GET": "list_lessons"}

    def rows(self, upcoming: bool, past: bool, **filters: Any) -> QuerySet[Booking]:
        return narrowed(bookings_seen_by(self.user), now=self.now, is_upcoming=upcoming, is_past=past, **filters)


class UpcomingLessons(ListView):
    """Lessons that stand and have not ended, soonest first."""

    permission_classes = (IsInstructor,)
    pagination_class = SoonestFirst
    operation_id = {"GET": "list_upcoming_lessons"}

    def rows(self) -> QuerySet[Booking]:
        return upcoming(bookings_seen_by(self.user), now=self.now)


class LessonsToComplete(ListView):
    """Lessons that have ended and wait for the instructor's word, oldest first."""

    permission_classes = (IsInstructor,)
    pagination_class = SoonestFirst
    operation_id = {"GET": "list_lessons_to_complete"}

    def rows(self) -> QuerySet[Booking]:
        return to_complete(bookings_seen_by(self.user), now=self.now)


class CompletedLessons(ListView):
    """Lessons that took place, latest first."""

    permission_classes = (IsInstructor,)
    pagination_class = LatestFirst
    operation_id = {"GET": "list_completed_lessons"}

    def rows(self) -> QuerySet[Booking]:
        return completed(bookings_seen_by(self.user))


class CompleteLesson(Complete):
    """The instructor says that the lesson took place; the same as bookings/{id}/complete."""

    operation_id = {"POST": "complete_lesson_as_instructor"}


class DisputeCompletion(OperationView):
    """The instructor says that the lesson went otherwise; support decides."""

    who = "instructor"
    takes = inputs.DisputeCompletionInput
    operation_id = {"POST": "dispute_completion"}

    def operate(self, **values: Any) -> Any:
        return operations.dispute_completion(actor=self.actor, now=self.now, **values)
