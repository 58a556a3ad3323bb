"""Turn a mail of the log into a message in its reader's zone, and send it.

`templates/mail/<event>.subject.txt` and `<event>.txt` say what is told; `frame.txt` and `frame.html` are around every mail.
"""

from collections.abc import Iterable
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
from .notifications import TOPIC_WORDS, TOPICS
from .policy import holds, windows
from .policy.recorded import recorded
from .queries import frozen_amounts
from .unsubscribing import unsubscribe_token

ID_HEADER = "X-InstaInstru-Mail"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its reader gets it."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""


def send(mail: MailLog) -> str:
    """Render and send; returns the subject. Raises OSError when the mail server cannot be reached."""
    said = rendered(mail)
    headers = {ID_HEADER: mail.pk}
    if said.unsubscribe_url:
        headers |= {
            "List-Unsubscribe": f"<{said.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    message = EmailMultiAlternatives(said.subject, said.text, to=[mail.to], headers=headers)
    message.attach_alternative(said.html, "text/html")
    message.send()
    return said.subject


def rendered(mail: MailLog, *, plans: Iterable[MoneyPlan] | None = None) -> Rendered:
    """A mail of the log in the zone of its reader; support reads UTC. `plans`: those of its payment, when they are read."""
    kind = mail.kind.rpartition(".")[0]
    context = _about_reader(mail, kind)
    if mail.event is not None:
        context |= _about_event(mail.event, plans, context["zone"]) | _about_booking(mail.event.booking, context)
    else:
        context |= _about_facts(mail.facts, ZoneInfo(context["zone"]))
        if "booking_id" in mail.facts:
            whole = Booking.objects.select_related("payment", "student", "instructor", "service", "rescheduled_from")
            context |= _about_booking(whole.get(pk=mail.facts["booking_id"]), context)
    subject = " ".join(_text(f"{kind}.subject.txt", context).split())[:200]
    context |= {"subject": subject, "body": _text(f"{kind}.txt", context)}
    html = render_to_string("mail/frame.html", context)
    return Rendered(subject, _text("frame.txt", context) + "\n", html, context["unsubscribe_url"])


def _text(name: str, context: dict[str, Any]) -> str:
    """A plain text: nothing is escaped; paragraphs keep one empty line between them."""
    text = get_template(f"mail/{name}").template.render(Context(context, autoescape=False))  # type: ignore[attr-defined]
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)


def _about_reader(mail: MailLog, kind: str) -> dict[str, Any]:
    reader, topic = mail.recipient, TOPICS.get(kind, "")
    unsubscribe = (
        settings.SITE_URL + reverse("unsubscribe", args=[unsubscribe_token(reader, topic)]) if reader and topic else ""
    )
    return {
        "reader": reader,
        "role": mail.kind.rpartition(".")[2],
        "name": reader.first_name if reader else "",
        "zone": reader.timezone if reader else "UTC",
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "unsubscribe_url": unsubscribe,
        "topic": TOPIC_WORDS.get(topic, ""),
    }


def _about_facts(facts: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Cents as dollars, instants in the reader's zone; everything else as it is."""
    shown: dict[str, Any] = {}
    for name, value in facts.items():
        if name.endswith("_cents"):
            shown[name.removesuffix("_cents")] = dollars(value)
        elif name.endswith("_at"):
            shown[name] = _local(datetime.fromisoformat(value), zone)
        else:
            shown[name] = value
    return shown


def _about_booking(booking: Booking, context: dict[str, Any]) -> dict[str, Any]:
    payment, zone = booking.payment, ZoneInfo(context["zone"])
    return {
        "booking": booking,
        "payment": payment,
        "other": {"student": booking.instructor, "instructor": booking.student}.get(context["role"]),
        "student": booking.student.public_name,
        "instructor": booking.instructor.public_name,
        "service": booking.service.name,
        "when": _local(booking.starts_at, zone),
        "was": _local(booking.rescheduled_from.starts_at, zone) if booking.rescheduled_from else "",
        "free_until": _local(booking.starts_at - windows.DAY_BEFORE, zone),
        "half_from": _local(booking.starts_at - windows.HALF_DAY_BEFORE, zone),
        "held_at": _local(holds.hold_due_at(booking.starts_at), zone),
        "charged_at": _local(holds.capture_due_at(booking.ends_at), zone),
        "cancels_at": _local(holds.give_up_at(booking.starts_at), zone),
        "price": dollars(payment.lesson_price_cents),
        "fee": dollars(payment.student_fee_cents),
        "card_amount": dollars(payment.card_amount_cents),
        "reserved_cents": payment.credits_reserved_cents,
        "reserved": dollars(payment.credits_reserved_cents),
        "payout_full": dollars(payment.instructor_payout_full_cents),
        "charged_cents": payment.card_charged_cents,
        "charged": dollars(payment.card_charged_cents),
        "lesson_url": _lesson_url(booking),
    }


def _about_event(event: BookingEvent, plans: Iterable[MoneyPlan] | None, zone: str) -> dict[str, Any]:
    payment = event.booking.payment
    outcome = _outcome(event, plans)
    said = recorded(Outcome(outcome), frozen_amounts(payment)) if outcome else None
    settled = event.amounts if event.kind != "booking_cancelled" else {}
    return {
        "event": event,
        "answer_until": _local(_answer_until(event), ZoneInfo(zone)),
        "outcome": outcome,
        "credit_cents": settled.get("student_credit_cents", (said and said.credit_cents) or 0),
        "credit": dollars(settled.get("student_credit_cents", (said and said.credit_cents) or 0)),
        "payout_cents": settled.get("instructor_payout_cents", (said and said.payout_cents) or 0),
        "payout": dollars(settled.get("instructor_payout_cents", (said and said.payout_cents) or 0)),
        "refunded_cents": settled.get("refunded_to_card_cents", payment.refunded_to_card_cents),
        "refunded": dollars(settled.get("refunded_to_card_cents", payment.refunded_to_card_cents)),
        "amounts": {name.removesuffix("_cents"): dollars(cents) for name, cents in event.amounts.items()},
        "accused": event.details.get("type", ""),
        "resolution": event.details.get("resolution", ""),
    }


def _outcome(event: BookingEvent, plans: Iterable[MoneyPlan] | None) -> str:
    """How the money ends: as recorded with the event, or as decided together with it."""
    if "outcome" in event.details:
        return str(event.details["outcome"])
    if event.kind != "booking_cancelled":
        return ""
    if plans is None:
        plans = MoneyPlan.objects.filter(booking_id=event.booking_id, purpose="cancel", decided_at=event.at)
    its = (p for p in plans if (p.booking_id, p.purpose, p.decided_at) == (event.booking_id, "cancel", event.at))
    plan = next(its, None)
    return str(plan.terms.get("outcome", "")) if plan else ""


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
