"""The payment first, for old clients: an intent with everything about the lesson on it; the lesson is booked once it is paid."""

from datetime import datetime

from accounts.models import User
from bookings.operations._story import only
from common.actors import Actor, Role
from packages.models import Package
from payments import cards

from ._asking import check_asked
from .buy import Session, answer_to, buy


def pay_first(
    *,
    actor: Actor,
    price_id: str,
    service_id: str,
    starts_at: datetime | None,
    local_start: datetime | None = None,
    timezone: str | None = None,
    ends_at: datetime | None = None,
    location_type: str,
    address: str = "",
    note: str = "",
    now: datetime,
    request_key: str | None = None,
) -> Session:
    """Prepare a payment of the whole price; no time is held. Paid, the first lesson is booked, or all of it refunded when its
    time is taken. The same `request_key` prepares once. Raises what `check_asked` does, StripeFailed, StripeUnavailable."""
    only(actor, Role.STUDENT)
    student = User.objects.get(pk=actor.id)
    before = answer_to(student, request_key, now)
    if before is not None:
        return before
    asked = check_asked(
        student=student, price_id=price_id, service_id=service_id, starts_at=starts_at, local_start=local_start,
        timezone=timezone, ends_at=ends_at, more_starts_at=[], location_type=location_type, address=address,
        note=note, now=now,
    )  # fmt: skip
    cards.customer_of(student)
    return buy(asked, actor, now, request_key, source=Package.Source.PAYMENT_INTENT)
