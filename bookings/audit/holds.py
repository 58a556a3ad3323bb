"""Invariant 4: at most one live hold per payment, none where none belongs, no payment intent that nobody knows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import Q

from bookings.due import STANDING
from bookings.models import Booking
from bookings.state_machine import BookingStatus
from payments import gateway
from payments.gateway import Fields
from payments.models import LedgerEntry, MoneyMovement
from payments.vocabulary import PaymentStatus

from .scope import Scope, Violation

LIVE = "requires_capture"
BATCH = 100


def i04_no_stray_holds(scope: Scope) -> Iterator[Violation]:
    """Reads every payment intent at Stripe (for one booking: its student's), whoever's it is, a page at a time."""
    if not scope.with_stripe:
        return
    held: dict[str, list[str]] = defaultdict(list)  # live holds only: those are few
    intents = _intents(scope)
    while page := list(islice(intents, BATCH)):
        yield from _unknown(page, quiet=scope.quiet)
        for intent in page:
            if intent["status"] == LIVE and intent["metadata"].get("payment"):
                held[intent["metadata"]["payment"]].append(intent["id"])
    payments = iter(held)
    while ids := list(islice(payments, BATCH)):
        yield from _misplaced({payment_id: held[payment_id] for payment_id in ids}, quiet=scope.quiet)


def _intents(scope: Scope) -> Iterator[Fields]:
    if scope.payment_id is None:
        yield from gateway.intents()
    elif customer := scope.customer():
        for intent in gateway.intents_of(customer=customer, created_gte=0):
            if intent["metadata"].get("payment") == scope.payment_id:
                yield intent


def _unknown(page: Iterable[Fields], *, quiet: bool) -> Iterator[Violation]:
    """An intent names the movement that made it, and that movement names the intent. The platform's own is in the ledger."""
    ids = [intent["id"] for intent in page]
    named = {intent["metadata"].get("movement", "") for intent in page}
    movements = MoneyMovement.objects.filter(Q(pk__in=named) | Q(kind="create_intent", stripe_id__in=ids))
    made = dict(movements.values_list("pk", "stripe_id"))
    ours = {key.removeprefix("float:") for key in LedgerEntry.objects.filter(key__in=[f"float:{i}" for i in ids])
            .values_list("key", flat=True)}  # fmt: skip
    for intent in page:
        movement, payment = intent["metadata"].get("movement", ""), intent["metadata"].get("payment", "")
        if intent["id"] in ours or (movement in made and (made[movement] == intent["id"] or not quiet)):
            continue
        if intent["metadata"].get("purpose") == "platform_float" and intent["status"] != "succeeded":
            continue  # the platform's own card was declined: nothing moved
        if payment:
            yield Violation(4, intent["id"], f"payment {payment} does not know this payment intent")
        else:
            yield Violation(4, intent["id"], f"no payment knows this payment intent over {intent['amount']}")


def _misplaced(held: dict[str, list[str]], *, quiet: bool) -> Iterator[Violation]:
    for payment_id, intents in held.items():
        if len(intents) > 1:
            yield Violation(4, f"payment {payment_id}", f"{len(intents)} live holds: {', '.join(intents)}")
    if not quiet:
        return
    standing = STANDING.filter(payment_id__in=list(held)).select_related("payment").order_by("created_at", "pk")
    now: dict[str, Booking] = {booking.payment_id: booking for booking in standing}
    for payment_id, booking in now.items():
        intent, payment = held[payment_id][0], booking.payment
        if payment.status == PaymentStatus.SETTLED:
            yield Violation(4, f"payment {payment_id}", f"settled, and {intent} is still held")
        retried = payment.capture_failed_at is not None  # a late cancellation whose capture is being retried
        if booking.status == BookingStatus.CANCELLED and payment.status != PaymentStatus.MANUAL_REVIEW and not retried:
            yield Violation(4, f"booking {booking.pk}", f"cancelled, and {intent} is still held")
