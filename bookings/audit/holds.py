"""Invariant 4: at most one live hold per payment, none where none belongs, no payment intent that nobody knows."""

from collections import defaultdict
from collections.abc import Iterator

from bookings.due import booking_of
from bookings.models import Booking
from bookings.state_machine import BookingStatus
from payments import gateway
from payments.models import MoneyMovement
from payments.vocabulary import PaymentStatus

from .scope import Scope, Violation

LIVE = "requires_capture"


def i04_no_stray_holds(scope: Scope) -> Iterator[Violation]:
    """Reads the payment intents of every customer; those that are not a lesson's are somebody else's business."""
    if not scope.with_stripe:
        return
    for customer in scope.customers():
        held: dict[str, list[str]] = defaultdict(list)
        for intent in gateway.intents_of(customer=customer, created_gte=0):
            payment_id = intent["metadata"].get("payment")
            if not payment_id or (scope.payment_id and payment_id != scope.payment_id):
                continue
            movement = MoneyMovement.objects.filter(pk=intent["metadata"].get("movement", "")).first()
            if movement is None or (scope.quiet and movement.stripe_id != intent["id"]):
                yield Violation(4, intent["id"], f"payment {payment_id} does not know this payment intent")
            if intent["status"] == LIVE:
                held[payment_id].append(intent["id"])
        yield from _misplaced(held, quiet=scope.quiet)


def _misplaced(held: dict[str, list[str]], *, quiet: bool) -> Iterator[Violation]:
    for payment_id, intents in held.items():
        if len(intents) > 1:
            yield Violation(4, f"payment {payment_id}", f"{len(intents)} live holds: {', '.join(intents)}")
        booking = Booking.objects.filter(pk=booking_of(payment_id)).select_related("payment").first()
        if booking is None or not quiet:
            continue
        payment = booking.payment
        if payment.status == PaymentStatus.SETTLED:
            yield Violation(4, f"payment {payment_id}", f"settled, and {intents[0]} is still held")
        retried = payment.capture_failed_at is not None  # a late cancellation whose capture is being retried
        if booking.status == BookingStatus.CANCELLED and payment.status != PaymentStatus.MANUAL_REVIEW and not retried:
            yield Violation(4, f"booking {booking.pk}", f"cancelled, and {intents[0]} is still held")
