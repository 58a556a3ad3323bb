"""A mail that was never written, made up from the latest lesson: for previews. Nothing is saved."""

from datetime import datetime, timedelta
from typing import Any

from bookings.models import Booking, BookingEvent, MailLog
from bookings.notifications import OTHERS


def sample(kind: str, role: str, *, now: datetime) -> MailLog | None:
    """None as long as there is no lesson to make it from."""
    whole = Booking.objects.select_related("payment", "student", "instructor", "service", "rescheduled_from")
    booking = whole.order_by("-created_at", "-id").first()
    if booking is None:
        return None
    reader = {"student": booking.student, "instructor": booking.instructor}.get(role)
    mail = MailLog(to=reader.email if reader else "", recipient=reader, kind=f"{kind}.{role}", created_at=now)
    if kind in OTHERS:
        mail.cause, mail.facts = "sample", _facts(kind, booking, now)
    else:
        mail.event = _event(kind, booking, now)
    return mail


def _facts(kind: str, booking: Booking, now: datetime) -> dict[str, Any]:
    if kind.startswith("reminder"):
        return {"booking_id": booking.pk}
    return {"amount_cents": 2500, "expires_at": (now + timedelta(days=7)).isoformat()}


def _event(kind: str, booking: Booking, now: datetime) -> BookingEvent:
    payment = booking.payment
    cents = {
        "card_charged_cents": payment.card_amount_cents,
        "refunded_to_card_cents": 0,
        "student_credit_cents": 0,
        "instructor_payout_cents": payment.instructor_payout_full_cents,
        "credits_consumed_cents": payment.credits_reserved_cents,
        "amount_cents": payment.card_amount_cents,
        "refund_cents": payment.card_amount_cents,
        "held_cents": payment.card_amount_cents,
        "locked_cents": payment.card_amount_cents,
    }
    details = {"outcome": "lesson_completed_full_payout", "type": "instructor", "resolution": "confirmed_after_review"}
    return BookingEvent(
        booking=booking, kind=kind, at=now, actor_role="system", door="job", reason="An example", amounts=cents,
        details=details,
    )  # fmt: skip
