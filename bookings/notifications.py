"""Who is told what: event -> recipients -> kind of mail. One mail per event, recipient and kind (invariant 11).

Mails are written with their event and sent by a job afterwards: no request ever waits for a mail server.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django_q.tasks import async_task

from .models import Booking, BookingEvent, MailLog

if TYPE_CHECKING:
    from accounts.models import User

STUDENT, INSTRUCTOR, SUPPORT = "student", "instructor", "support"
TOLD: dict[str, tuple[str, ...]] = {
    "booking_confirmed": (STUDENT, INSTRUCTOR),
    "hold_placed": (STUDENT,),
    "hold_failed": (STUDENT,),
    "hold_final_warning": (STUDENT,),
    "booking_expired": (STUDENT, INSTRUCTOR),
    "booking_cancelled": (STUDENT, INSTRUCTOR),
    "booking_rescheduled": (STUDENT, INSTRUCTOR),
    "lesson_locked": (STUDENT, INSTRUCTOR),
    "lesson_completed": (STUDENT,),
    "payment_settled": (STUDENT, INSTRUCTOR),
    "capture_failed": (STUDENT,),
    "capture_escalated": (STUDENT, INSTRUCTOR, SUPPORT),
    "no_show_reported": (STUDENT, INSTRUCTOR),
    "no_show_disputed": (STUDENT, INSTRUCTOR, SUPPORT),
    "no_show_resolved": (STUDENT, INSTRUCTOR),
    "no_show_withdrawn": (STUDENT, INSTRUCTOR),
    "completion_disputed": (STUDENT, INSTRUCTOR, SUPPORT),
    "review_resolved": (STUDENT, INSTRUCTOR),
    "chargeback_opened": (INSTRUCTOR, SUPPORT),
    "chargeback_won": (STUDENT, INSTRUCTOR, SUPPORT),
    "chargeback_lost": (STUDENT, INSTRUCTOR, SUPPORT),
    "staff_refund": (STUDENT, INSTRUCTOR),
    "package_paid": (STUDENT, INSTRUCTOR),
    "package_refused": (STUDENT,),
    "package_refunded": (STUDENT,),
    "package_charged_back": (SUPPORT,),
    "package_chargeback_won": (STUDENT, SUPPORT),
    "package_chargeback_lost": (STUDENT, INSTRUCTOR, SUPPORT),
    "lesson_given_back": (STUDENT, INSTRUCTOR),
}


def announce(event: BookingEvent, booking: Booking) -> None:
    """Write the mails an event calls for. Must run inside the transaction that writes the event."""
    for role in TOLD.get(event.kind, ()):
        person: User | None = {STUDENT: booking.student, INSTRUCTOR: booking.instructor}.get(role)
        mail, created = MailLog.objects.get_or_create(
            event=event,
            to=person.email if person else settings.SUPPORT_EMAIL,
            kind=f"{event.kind}.{role}",
            defaults={"recipient": person, "created_at": event.at},
        )
        if created:
            async_task("bookings.jobs.send_mail", mail.pk, group="mail")
