"""Turn a mail of the log into a message in its reader's zone, and send it.

`templates/mail/<event>.subject.txt` and `<event>.txt` say what is told; `frame.txt` and `frame.html` are around every mail.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.urls import NoReverseMatch, reverse

from common.money import dollars
from payments.models import MoneyPlan
from payments.vocabulary import Outcome

from .models import Booking, BookingEvent, MailLog
from .policy import holds, windows
from .policy.recorded import recorded
from .queries import frozen_amounts

ID_HEADER = "X-InstaInstru-Mail"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its reader gets it."""

    subject: str
    text: str
    html: str


def send(mail: MailLog) -> str:
    """Render and send; returns the subject. Raises OSError when the mail server cannot be reached."""
    said = rendered(mail)
    message = EmailMultiAlternatives(said.subject, said.text, to=[mail.to], headers={ID_HEADER: mail.pk})
    message.attach_alternative(said.html, "text/html")
    message.send()
    return said.subject


def rendered(mail: MailLog) -> Rendered:
    """A mail of the log in the zone of its reader; support reads UTC."""
    context = _context(mail)
    subject = " ".join(_text(f"{mail.event.kind}.subject.txt", context).split())[:200]
    context |= {"subject": subject, "body": _text(f"{mail.event.kind}.txt", context)}
    return Rendered(subject, _text("frame.txt", context) + "\n", render_to_string("mail/frame.html", context))


def _text(name: str, context: dict[str, Any]) -> str:
    """A plain text: nothing is escaped; paragraphs keep one empty line between them."""
    text = get_template(f"mail/{name}").template.render(Context(context, autoescape=False))  # type: ignore[attr-defined]
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)


def _context(mail: MailLog) -> dict[str, Any]:
    event, booking, payment = mail.event, mail.event.booking, mail.event.booking.payment
    role = mail.kind.rpartition(".")[2]
    zone = ZoneInfo(mail.recipient.timezone if mail.recipient else "UTC")
    outcome = _outcome(event)
    said = recorded(Outcome(outcome), frozen_amounts(payment)) if outcome else None
    settled = event.amounts if event.kind != "booking_cancelled" else {}
    return {
        "event": event,
        "booking": booking,
        "payment": payment,
        "reader": mail.recipient,
        "role": role,
        "name": mail.recipient.first_name if mail.recipient else "",
        "other": {"student": booking.instructor, "instructor": booking.student}.get(role),
        "student": booking.student.public_name,
        "instructor": booking.instructor.public_name,
        "service": booking.service.name,
        "zone": zone.key,
        "when": _local(booking.starts_at, zone),
        "was": _local(booking.rescheduled_from.starts_at, zone) if booking.rescheduled_from else "",
        "free_until": _local(booking.starts_at - windows.DAY_BEFORE, zone),
        "half_from": _local(booking.starts_at - windows.HALF_DAY_BEFORE, zone),
        "held_at": _local(holds.hold_due_at(booking.starts_at), zone),
        "charged_at": _local(holds.capture_due_at(booking.ends_at), zone),
        "cancels_at": _local(holds.give_up_at(booking.starts_at), zone),
        "answer_until": _local(_answer_until(event), zone),
        "price": dollars(payment.lesson_price_cents),
        "fee": dollars(payment.student_fee_cents),
        "card_amount": dollars(payment.card_amount_cents),
        "reserved_cents": payment.credits_reserved_cents,
        "reserved": dollars(payment.credits_reserved_cents),
        "payout_full": dollars(payment.instructor_payout_full_cents),
        "outcome": outcome,
        "credit_cents": settled.get("student_credit_cents", (said and said.credit_cents) or 0),
        "credit": dollars(settled.get("student_credit_cents", (said and said.credit_cents) or 0)),
        "payout_cents": settled.get("instructor_payout_cents", (said and said.payout_cents) or 0),
        "payout": dollars(settled.get("instructor_payout_cents", (said and said.payout_cents) or 0)),
        "charged_cents": payment.card_charged_cents,
        "charged": dollars(payment.card_charged_cents),
        "refunded_cents": settled.get("refunded_to_card_cents", payment.refunded_to_card_cents),
        "refunded": dollars(settled.get("refunded_to_card_cents", payment.refunded_to_card_cents)),
        "amounts": {name.removesuffix("_cents"): dollars(cents) for name, cents in event.amounts.items()},
        "accused": event.details.get("type", ""),
        "resolution": event.details.get("resolution", ""),
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "lesson_url": _lesson_url(booking),
    }


def _outcome(event: BookingEvent) -> str:
    """How the money ends: as recorded with the event, or as decided together with it."""
    if "outcome" in event.details:
        return str(event.details["outcome"])
    plan = MoneyPlan.objects.filter(booking_id=event.booking_id, purpose="cancel", decided_at=event.at).first()
    return str(plan.terms.get("outcome", "")) if plan and event.kind == "booking_cancelled" else ""


def _answer_until(event: BookingEvent) -> datetime:
    """Until when the accused of a no-show may answer."""
    from .policy.no_show import DISPUTE_FOR

    return event.at + DISPUTE_FOR


def _local(instant: datetime, zone: ZoneInfo) -> str:
    """Such as `Tue, March 2, 2027, 9:30 AM (America/New_York)`."""
    local = instant.astimezone(zone)
    return f"{local:%a, %B} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M %p} ({zone.key})"


def _lesson_url(booking: Booking) -> str:
    """The address of the lesson's page, where there is one."""
    try:
        return settings.SITE_URL + reverse("lesson", kwargs={"booking_id": booking.pk})
    except NoReverseMatch:
        return ""
