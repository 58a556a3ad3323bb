"""Turn a mail of the log into a message in its reader's zone, and send it."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from common.money import dollars

from .models import MailLog


def send(mail: MailLog) -> str:
    """Render and send; returns the subject. Raises OSError when the mail server cannot be reached."""
    event = mail.event
    booking = event.booking
    zone = ZoneInfo(mail.recipient.timezone if mail.recipient else "UTC")
    payment = booking.payment
    context = {
        "event": event,
        "booking": booking,
        "payment": payment,
        "reader": mail.recipient,
        "role": mail.kind.rpartition(".")[2],
        "starts_at": booking.starts_at.astimezone(zone),
        "zone": zone.key,
        "site_url": settings.SITE_URL,
        "amounts": {name.removesuffix("_cents"): dollars(cents) for name, cents in event.amounts.items()},
        "card_amount": dollars(payment.card_amount_cents),
        "credit": dollars(payment.student_credit_cents),
        "payout": dollars(payment.instructor_payout_cents),
        "refunded": dollars(payment.refunded_to_card_cents),
    }
    name = event.kind
    subject = render_to_string(f"mail/{name}.subject.txt", context).strip()
    message = EmailMultiAlternatives(subject, render_to_string(f"mail/{name}.txt", context), to=[mail.to])
    message.attach_alternative(
        render_to_string("mail/frame.html", {**context, "subject": subject, "name": name}), "text/html"
    )
    message.send()
    return subject
