"""Credits whose money is in doubt: frozen in a chargeback, revoked when it is lost or refunded (policy 7, 8).

Like `operations`: inside the caller's transaction, wallets locked first, one entry per lot touched returned.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from .lots import LATEST_EXPIRING, Kind, Status, land, locked_lots, move, take, total
from .models import CreditEntry, CreditFreeze, CreditLot

SPENT = (Status.CONSUMED, Status.RESERVED)


@dataclass(frozen=True, slots=True)
class Freeze:
    """What a charged-back payment's credits are worth in cents, frozen and spent; and the entries written now."""

    frozen_cents: int
    spent_cents: int
    entries: list[CreditEntry]


def freeze_issued_from(*, payment_id: str, now: datetime) -> Freeze:
    """Freeze the credits issued from a payment that is charged back (policy 7). Frozen credit is never spent.

    What is reserved for another payment stays reserved and counts as spent; when it is released it is frozen. Credits
    issued from the payment later are frozen at once.
    """
    lots = locked_lots(_issued_from(payment_id))
    _open(payment_id, now)
    fresh = [lot for lot in lots if lot.status == Status.AVAILABLE and lot.expires_at > now]
    entries = move(fresh, Kind.FREEZE, Status.FROZEN, now=now, payment_id=payment_id)
    frozen = [lot for lot in lots if lot.status == Status.FROZEN]
    return Freeze(total(frozen), total(lot for lot in lots if lot.status in SPENT), entries)


def unfreeze_issued_from(*, payment_id: str, now: datetime) -> list[CreditEntry]:
    """The chargeback is won or withdrawn: frozen credits are available again; past their date they expire at once."""
    lots = locked_lots(_issued_from(payment_id))
    _close(payment_id, CreditFreeze.State.LIFTED, now)
    frozen = [lot for lot in lots if lot.status == Status.FROZEN]
    entries = move(frozen, Kind.UNFREEZE, Status.AVAILABLE, now=now, payment_id=payment_id)
    return entries + land(frozen, now=now, payment_id=payment_id)


def revoke_frozen_from(*, payment_id: str, now: datetime) -> list[CreditEntry]:
    """The chargeback is lost: frozen credits are revoked, and so is whatever of them comes back to a wallet later."""
    lots = locked_lots(_issued_from(payment_id))
    _close(payment_id, CreditFreeze.State.LOST, now)
    frozen = [lot for lot in lots if lot.status == Status.FROZEN]
    return move(frozen, Kind.REVOKE, Status.REVOKED, now=now, payment_id=payment_id)


def revoke_unspent(
    *, payment_id: str, up_to_cents: int | None = None, now: datetime, reason: str = ""
) -> list[CreditEntry]:
    """Take back unspent credit issued from a refunded payment, latest-expiring first.

    At most `up_to_cents`; None: all of it. Raises ValueError for a negative amount.
    """
    return _revoke(_issued_from(payment_id), up_to_cents, now, reason)


def revoke_by_issue_key(*, issue_key: str, now: datetime) -> list[CreditEntry]:
    """Take back what is unspent of one credit: the milestone of a lesson that was refunded (policy 8)."""
    family = CreditLot.objects.filter(Q(issue_key=issue_key) | Q(split_from__issue_key=issue_key))
    return _revoke(family, None, now, issue_key)


def spent_from(*, payment_id: str) -> int:
    """Cents issued from a payment that were spent: consumed, or reserved. What expired or was taken away is not."""
    spent = _issued_from(payment_id).filter(status__in=SPENT).aggregate(cents=Sum("amount_cents"))
    return spent["cents"] or 0


def unspent_from(*, payment_id: str, now: datetime) -> int:
    """Cents issued from a payment that `revoke_unspent` could take back now."""
    unspent = _issued_from(payment_id).filter(_unspent(now)).aggregate(cents=Sum("amount_cents"))
    return unspent["cents"] or 0


def _unspent(now: datetime) -> Q:
    return Q(status=Status.FROZEN) | Q(status=Status.AVAILABLE, expires_at__gt=now)


def _revoke(issued: QuerySet[CreditLot], up_to_cents: int | None, now: datetime, reason: str) -> list[CreditEntry]:
    taken = take(locked_lots(issued.filter(_unspent(now)), LATEST_EXPIRING), up_to_cents)
    entries: list[CreditEntry] = []
    for status in (Status.AVAILABLE, Status.FROZEN):
        lots = [lot for lot in taken if lot.status == status]
        entries += move(lots, Kind.REVOKE, Status.REVOKED, now=now, reason=reason)
    return entries


def _issued_from(payment_id: str) -> QuerySet[CreditLot]:
    assert payment_id, "credits without an origin are nobody's to freeze"
    return CreditLot.objects.filter(origin_payment_id=payment_id)


def _open(payment_id: str, now: datetime) -> None:
    """Open the freeze, or open a lifted one again. A lost one stays lost."""
    freeze, _ = CreditFreeze.objects.get_or_create(payment_id=payment_id, defaults={"opened_at": now})
    if freeze.state == CreditFreeze.State.LIFTED:
        freeze.state, freeze.opened_at, freeze.closed_at = CreditFreeze.State.OPEN, now, None
        freeze.save()


def _close(payment_id: str, state: CreditFreeze.State, now: datetime) -> None:
    """Close the freeze when it is open. Its lots are locked before, so that none is frozen by it afterwards."""
    freezes = CreditFreeze.objects.filter(payment_id=payment_id, state=CreditFreeze.State.OPEN)
    freezes.update(state=state, closed_at=now)
