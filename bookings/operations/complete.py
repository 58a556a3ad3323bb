"""The lesson took place: said by the instructor, or by the clock 24 hours after its end (policy 4.4, 4.5)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from payments.vocabulary import PaymentStatus

from ._errors import BookingCancelled, LessonNotEnded, NotConfirmed, UnderReview
from ._history import note as write_event
from ._story import find_booking, fresh, lock_at_rest, one_at_a_time, only


def complete_lesson(*, booking_id: str, actor: Actor, note: str = "", now: datetime) -> Booking:
    """Mark a lesson complete after its end. Completing twice is harmless. The money moves 24 h after the end.

    Raises LessonNotEnded, NotConfirmed, BookingCancelled or UnderReview.
    """
    only(actor, Role.INSTRUCTOR)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now), transaction.atomic():
        booking = lock_at_rest(booking_id)
        if booking.status == BookingStatus.COMPLETED:
            return fresh(booking_id)
        refuse_completion(booking, now)
        mark_complete(booking, actor=actor, now=now, completed_at=now, note=note)
    return fresh(booking_id)


def refuse_completion(booking: Booking, now: datetime) -> None:
    """Raises what keeps a lesson from being marked complete now."""
    if booking.status in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW):
        raise BookingCancelled()
    if booking.status == BookingStatus.PENDING:
        raise NotConfirmed()
    if not booking.has_ended(now):
        raise LessonNotEnded(ends_at=booking.ends_at.isoformat())
    if booking.payment.status == PaymentStatus.MANUAL_REVIEW:
        raise UnderReview()


def mark_complete(booking: Booking, *, actor: Actor, now: datetime, completed_at: datetime, note: str = "") -> None:
    """Set a confirmed booking to COMPLETED and say so. The caller holds its lock."""
    before = (booking.status, booking.payment.status)
    booking.complete()
    booking.completed_at, booking.completion_note = completed_at, note[:1000]
    booking.save()
    write_event(booking, "lesson_completed", actor=actor, now=now, before=before, reason=note)
