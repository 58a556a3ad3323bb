"""A person explains a difference: a correction in the ledger, balanced, with their reason. No money moves by it."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking, ReconciliationDifference
from bookings.operations._history import close_cause, note
from common.actors import Actor, Role
from common.problems import NotFound, PermissionDenied, Refused, StripeFailed, StripeUnavailable
from payments import gateway, ledger

from .causes import BALANCE
from .differences import KIND, cause_of, still_differs

AGAINST = {
    ledger.EQUITY: "The platform's own money",
    ledger.CARD: "A student's card",
    ledger.BANK: "A bank",
    ledger.STRIPE_FEES: "Stripe's fees",
}


class NoDifference(Refused):
    code, title = "no_difference", "Our ledger and Stripe agree on this object now"
    remedy = "Nothing is left to do: the next reconciliation closes its item."


def correction_of(difference_id: str) -> tuple[ReconciliationDifference, int]:
    """The difference as Stripe and our ledger have it now, and the cents that would put our ledger right.

    Raises NotFound, NoDifference, StripeUnavailable.
    """
    difference = ReconciliationDifference.objects.filter(pk=difference_id).first()
    if difference is None:
        raise NotFound("There is no such difference.")
    if difference.stripe_source == BALANCE:
        raise NoDifference("A total is not corrected: explain the objects it consists of.")
    try:
        differs, expected, found = still_differs(difference.stripe_account, difference.stripe_source)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    if not differs:
        raise NoDifference()
    return difference, (found or 0) - (expected or 0)


def explain_difference(*, difference_id: str, against: str, key: str, actor: Actor, reason: str, now: datetime) -> int:
    """Book what Stripe has and our ledger lacks (or the other way round) against one of AGAINST, once per key.

    Returns the cents booked. Raises PermissionDenied, NotFound, NoDifference, StripeUnavailable.
    """
    if actor.role is not Role.STAFF or against not in AGAINST:
        raise PermissionDenied("Only staff may do this, against one of the ledger's own accounts.")
    difference, cents = correction_of(difference_id)
    account, source = difference.stripe_account, difference.stripe_source
    booking = (
        Booking.objects.select_related("payment", "student", "instructor").filter(pk=difference.booking_id).first()
    )
    with transaction.atomic():
        posted = ledger.post(
            key=key,
            kind="correction",
            payment_id=booking.payment_id if booking else "",
            at=now,
            memo=reason,
            lines=[
                ledger.Line(ledger.connected(account) if account else ledger.PLATFORM, cents, source),
                ledger.Line(against, -cents),
            ],
        )
        close_cause(KIND, cause=cause_of(account, source), now=now)
        if booking is not None and posted:
            details = {"stripe": source, "against": against}
            note(
                booking,
                "difference_explained",
                actor=actor,
                now=now,
                reason=reason,
                amounts={"amount_cents": cents},
                details=details,
            )
    return cents
