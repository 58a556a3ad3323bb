"""Who is told what: event -> recipients -> kind of mail. One mail per event, recipient and kind (invariant 11).

Mails are written with their event and sent by a job afterwards: no request ever waits for a mail server. What no booking's
event tells (OTHERS) is written by its cause, once. What can wait waits out its reader's night.
"""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django_q.tasks import async_task

from .models import Booking, BookingEvent, MailLog, Unsubscribed

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
    "refund_failed": (STUDENT, SUPPORT),
    "movement_given_up": (STUDENT, INSTRUCTOR),
    "account_released": (STUDENT,),
}
OTHERS: dict[str, tuple[str, ...]] = {  # what is not a booking's event: kind -> readers; `tell` writes it, by its cause
    "reminder_24h": (STUDENT, INSTRUCTOR),
    "reminder_1h": (STUDENT, INSTRUCTOR),
    "credit_issued": (STUDENT,),
    "credit_expiring": (STUDENT,),
    "payout_sent": (INSTRUCTOR,),
    "payout_failed": (INSTRUCTOR,),
}
CAN_WAIT = {
    "hold_placed",
    "lesson_completed",
    "payment_settled",
    "review_resolved",
    "chargeback_won",
    "staff_refund",
    "movement_given_up",
    "account_released",
    "reminder_24h",
    "credit_issued",
    "credit_expiring",
    "payout_sent",
}
TOPICS = {
    "reminder_24h": "reminders",
    "reminder_1h": "reminders",
    "credit_issued": "credits",
    "credit_expiring": "credits",
}
TOPIC_WORDS = {"reminders": "reminders of lessons", "credits": "news about credits"}
NIGHT, MORNING = time(22), time(8)  # in the reader's zone


def announce(event: BookingEvent, booking: Booking) -> None:
    """Write the mails an event calls for. Must run inside the transaction that writes the event."""
    for role in TOLD.get(event.kind, ()):
        person: User | None = {STUDENT: booking.student, INSTRUCTOR: booking.instructor}.get(role)
        mail, created = MailLog.objects.get_or_create(
            event=event,
            to=person.email if person else settings.SUPPORT_EMAIL,
            kind=f"{event.kind}.{role}",
            copy=0,
            defaults={
                "recipient": person,
                "created_at": event.at,
                "not_before": not_before(event.kind, person, event.at),
            },
        )
        if created and mail.not_before is None:
            async_task("bookings.jobs.send_mail", mail.pk, group="mail")


def tell(person: "User", kind: str, *, role: str, cause: str, facts: dict[str, Any], now: datetime) -> MailLog | None:
    """Write a mail that no booking's event calls for, once per cause; None for who does not want it.

    Must run inside a transaction. `facts` are plain values: `…_cents` and `…_at` (ISO) are shown in the reader's way.
    """
    if Unsubscribed.objects.filter(user=person, topic=TOPICS.get(kind, "")).exists():
        return None
    mail, created = MailLog.objects.get_or_create(
        event=None,
        cause=cause,
        to=person.email,
        kind=f"{kind}.{role}",
        copy=0,
        defaults={
            "recipient": person,
            "facts": facts,
            "created_at": now,
            "not_before": not_before(kind, person, now),
        },
    )
    if created and mail.not_before is None:
        async_task("bookings.jobs.send_mail", mail.pk, group="mail")
    return mail


def not_before(kind: str, person: "User | None", now: datetime) -> datetime | None:
    """8:00 of its reader's morning for what can wait and comes between 22:00 and 8:00 there; None: at once."""
    if person is None or kind not in CAN_WAIT:
        return None
    local = now.astimezone(ZoneInfo(person.timezone))
    if MORNING <= local.time() < NIGHT:
        return None
    day = local.date() + timedelta(days=1) if local.time() >= NIGHT else local.date()
    return datetime.combine(day, MORNING, local.tzinfo)
