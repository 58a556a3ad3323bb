"""What happens again and again in stories."""

from datetime import datetime, timedelta
from typing import Any

from bookings import jobs
from bookings.models import Booking
from bookings.operations import reschedule_booking
from payments import gateway
from payments.models import Payment
from tests.support.cast import HOUR, Cast, soon
from tests.support.sandbox import Sandbox

DAY = timedelta(hours=24)
BAD_CARD = "pm_card_chargeCustomerFail"  # saves, then declines when charged


def held(cast: Cast, now: datetime, *, credits: int = 0, hours: float = 48) -> Booking:
    """A lesson whose hold the T−24 h job has placed."""
    booking = cast.lesson(soon(hours), now=now, credits=credits)
    assert jobs.process_scheduled_authorizations(booking.starts_at - DAY).results == {"authorized": 1}
    return booking


def paid(cast: Cast, now: datetime, *, credits: int = 0) -> Booking:
    """A lesson that was given, captured and paid out."""
    booking = held(cast, now, credits=credits)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).results == {"lesson_completed_full_payout": 1}
    return booking


def locked(cast: Cast, now: datetime) -> Booking:
    """A lesson moved at T−20 h to five days from now: the money is locked."""
    booking = held(cast, now)
    moved = reschedule_booking(
        booking_id=booking.pk, actor=cast.as_student, starts_at=soon(120), now=booking.starts_at - 20 * HOUR
    )
    assert moved.payment_status == "locked"
    return moved


def unpaid_capture(cast: Cast, now: datetime, sandbox: Sandbox) -> Booking:
    """A lesson that was given and whose capture the card refused."""
    booking = held(cast, now)
    refuse(sandbox, "/v1/payment_intents/*/capture")
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).results == {"capture_failed": 1}
    return booking


def refuse(sandbox: Sandbox, path: str, *, code: str = "card_declined", count: int = 1) -> None:
    """Stripe definitely refuses the next `count` calls of a path."""
    card = code == "card_declined"
    sandbox.control(
        "POST",
        "faults",
        method="POST",
        path=path,
        count=count,
        kind="refuse",
        status=402 if card else 400,
        error={"type": "card_error" if card else "invalid_request_error", "code": code, "message": "No."},
    )


def give_credits(cast: Cast, cents: int, now: datetime) -> None:
    """Goodwill for the student, good for 90 days."""
    from django.db import transaction

    from sandbox_mode import people

    with transaction.atomic():
        people.give_credits(cast.student.user, [{"amount_cents": cents, "expires_at": now + 90 * DAY}], now=now)


def payment_of(booking: Booking) -> Payment:
    payment: Payment = Payment.objects.get(bookings=booking.pk)
    return payment


def intent_status(booking: Booking) -> str:
    return str(gateway.intent(payment_of(booking).payment_intent_id)["status"])


def in_account(cast: Cast) -> int:
    """What Stripe says the instructor's account holds, in cents."""
    balance = gateway.balance(account=cast.instructor.stripe_account_id)
    return sum(part["amount"] for kind in ("available", "pending") for part in balance[kind])


def no_show(booking: Booking) -> dict[str, Any]:
    """Where the booking's reports stand, by type."""
    return {report.type: report.resolution for report in booking.no_show_reports.all()}
