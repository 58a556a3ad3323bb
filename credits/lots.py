"""The few moves every credit operation is made of. From outside `credits`, only `lock_wallet` is used.

A wallet is locked before its lots are read, so that what is read stays true until the caller's transaction ends.
A lot is used in part by splitting it first; then whole lots move from one state to another, each with an entry.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

from common.ids import new_id

from .models import CreditEntry, CreditFreeze, CreditLot, Wallet

Kind, Status = CreditEntry.Kind, CreditLot.Status

FIRST_EXPIRING = ("expires_at", "created_at", "id")
LATEST_EXPIRING = ("-expires_at", "-created_at", "-id")


def lock_wallet(owner_id: str) -> None:
    """Lock a person's wallet, making it on first use. Raises TransactionManagementError outside a transaction."""
    require_transaction()
    _lock({owner_id})


def locked_lots(lots: QuerySet[CreditLot], order: tuple[str, ...] = FIRST_EXPIRING) -> list[CreditLot]:
    """The lots of a query, read after the wallets of their owners are locked, in one order of wallets for everybody."""
    require_transaction()
    owners = set(lots.order_by().values_list("owner_id", flat=True).distinct())
    if not owners:
        return []
    _lock(owners)
    return list(lots.filter(owner_id__in=owners).order_by(*order))


def require_transaction() -> None:
    """Credits move in their caller's transaction, together with the statuses and the ledger, or not at all."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("Credits move inside the caller's transaction only: open one with atomic().")


def take(lots: Iterable[CreditLot], up_to_cents: int | None) -> list[CreditLot]:
    """Lots worth at most `up_to_cents` (None: all), in the order given; the last one is split when it is too big.

    Raises ValueError for a negative amount.
    """
    if up_to_cents is None:
        return list(lots)
    if up_to_cents < 0:
        raise ValueError(f"An amount of credit cannot be negative: {up_to_cents}")
    taken, left = [], up_to_cents
    for lot in lots:
        if left == 0:
            break
        part = lot if lot.amount_cents <= left else _split(lot, left)
        taken.append(part)
        left -= part.amount_cents
    return taken


def move(
    lots: list[CreditLot],
    kind: CreditEntry.Kind,
    status: CreditLot.Status,
    *,
    now: datetime,
    payment_id: str = "",
    reserved_for: str = "",
    reason: str = "",
) -> list[CreditEntry]:
    """Move whole lots to a state and write an entry for each. `payment_id` empty: the payment a lot was issued from."""
    if not lots:
        return []
    moved = CreditLot.objects.filter(pk__in=[lot.pk for lot in lots], status=lots[0].status).update(
        status=status, reserved_for=reserved_for
    )
    assert moved == len(lots), "a lot changed although its wallet is locked"
    for lot in lots:
        lot.status, lot.reserved_for = status, reserved_for
    return write_entries(lots, kind, now=now, payment_id=payment_id, reason=reason)


def write_entries(
    lots: Iterable[CreditLot], kind: CreditEntry.Kind, *, now: datetime, payment_id: str = "", reason: str = ""
) -> list[CreditEntry]:
    """An entry for each lot, for its whole amount."""
    return CreditEntry.objects.bulk_create(
        CreditEntry(
            lot=lot,
            owner_id=lot.owner_id,
            kind=kind,
            amount_cents=lot.amount_cents,
            payment_id=payment_id or lot.origin_payment_id,
            reason=reason,
            at=now,
        )
        for lot in lots
    )


def land(lots: list[CreditLot], *, now: datetime, payment_id: str = "", reason: str = "") -> list[CreditEntry]:
    """What awaits lots that have just become available.

    Past its date, a lot expires at once (policy 8). Issued from a charged-back payment it is frozen, from a lost one
    revoked.
    """
    origins = {lot.origin_payment_id for lot in lots} - {""}
    freezes = dict(CreditFreeze.objects.filter(payment_id__in=origins).values_list("payment_id", "state"))
    overdue = [lot for lot in lots if lot.expires_at <= now]
    fresh = [lot for lot in lots if lot.expires_at > now]
    frozen = [lot for lot in fresh if freezes.get(lot.origin_payment_id) == CreditFreeze.State.OPEN]
    lost = [lot for lot in fresh if freezes.get(lot.origin_payment_id) == CreditFreeze.State.LOST]
    return [
        *move(overdue, Kind.EXPIRE, Status.EXPIRED, now=now, payment_id=payment_id, reason=reason),
        *move(frozen, Kind.FREEZE, Status.FROZEN, now=now, reason=reason),
        *move(lost, Kind.REVOKE, Status.REVOKED, now=now, reason=reason),
    ]


def total(lots: Iterable[CreditLot]) -> int:
    """What lots are worth together, in cents."""
    return sum(lot.amount_cents for lot in lots)


def _lock(owner_ids: set[str]) -> None:
    wallets = Wallet.objects.select_for_update().filter(user_id__in=owner_ids).order_by("user_id")
    if missing := owner_ids - {wallet.user_id for wallet in wallets}:
        Wallet.objects.bulk_create([Wallet(user_id=owner_id) for owner_id in sorted(missing)], ignore_conflicts=True)
        list(wallets.all())


def _split(lot: CreditLot, part_cents: int) -> CreditLot:
    """Take a part out of a lot. Both keep state, source, dates and origin; only the issued lot keeps its issue key."""
    assert 0 < part_cents < lot.amount_cents
    lot.amount_cents -= part_cents
    lot.save(update_fields=["amount_cents"])
    return CreditLot.objects.create(
        id=new_id(),
        owner_id=lot.owner_id,
        amount_cents=part_cents,
        status=lot.status,
        source=lot.source,
        expires_at=lot.expires_at,
        created_at=lot.created_at,
        origin_payment_id=lot.origin_payment_id,
        issue_key=None,
        split_from_id=lot.split_from_id or lot.pk,
        reserved_for=lot.reserved_for,
    )
