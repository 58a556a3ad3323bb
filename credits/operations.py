"""What can happen to credits (policy 8): issue, reserve, release, consume, forfeit, back to, expire.

Every operation runs inside its caller's transaction, locks the owner's wallet first and returns the entries it wrote,
one per lot touched, for the caller to post to the ledger. Done again it writes nothing more. See also `freezing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from common.problems import Conflict

from .lots import (
    FIRST_EXPIRING,
    LATEST_EXPIRING,
    Kind,
    Status,
    land,
    lock_wallet,
    locked_lots,
    move,
    require_transaction,
    take,
    total,
    write_entries,
)
from .models import CreditEntry, CreditLot, Wallet
from .queries import reserved_cents


class IssueKeyReused(Conflict):
    """An issue key names one cause, one person and one amount; it was used for something else."""

    code, title = "issue_key_reused", "This credit was already issued differently"
    remedy = "Use a new key for another credit."


@dataclass(frozen=True, slots=True)
class Issue:
    """A credit issued: its lot as it stands, and the entries written now (none when it was issued before)."""

    lot: CreditLot
    entries: list[CreditEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is reserved for a payment in cents, and the entries written now (none when it was reserved before)."""

    reserved_cents: int
    entries: list[CreditEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BackTo:
    """What "back to X" gave and took, in cents; the same again on a repeat, which writes no entries."""

    released_cents: int
    issued_cents: int
    forfeited_cents: int
    entries: list[CreditEntry] = field(default_factory=list)


def cents(entries: Iterable[CreditEntry], *kinds: CreditEntry.Kind) -> int:
    """What the entries of some kinds add up to, in cents."""
    return sum(entry.amount_cents for entry in entries if entry.kind in kinds)


def issue(
    *,
    owner_id: str,
    amount_cents: int,
    source: str,
    issue_key: str,
    now: datetime,
    origin_payment_id: str = "",
    expires_at: datetime | None = None,
) -> Issue:
    """Give somebody credit, once per `issue_key` (policy 8). It expires one year from now unless `expires_at` is given.

    `source` is one of `CreditLot.Source`. Issued from a payment that is being charged back, it is frozen at once.
    Raises ValueError for an amount below one cent, an empty key or an expiry that is not ahead, and IssueKeyReused when
    the key was used for another person or amount.
    """
    if amount_cents <= 0 or not issue_key:
        raise ValueError(f"Credit is issued in whole cents and by a key, not {amount_cents} by {issue_key!r}")
    expires_at = expires_at or a_year_after(now)
    if expires_at <= now:
        raise ValueError(f"Credit issued at {now} cannot have expired at {expires_at}")
    lock_wallet(owner_id)
    if existing := CreditLot.objects.filter(issue_key=issue_key).first():
        issued = CreditEntry.objects.get(lot=existing, kind=Kind.ISSUE)
        if (issued.owner_id, issued.amount_cents) != (owner_id, amount_cents):
            raise IssueKeyReused(f"{issue_key} issued {issued.amount_cents} cents to {issued.owner_id} before")
        return Issue(existing)
    lot = CreditLot.objects.create(
        owner_id=owner_id,
        amount_cents=amount_cents,
        source=CreditLot.Source(source),
        expires_at=expires_at,
        created_at=now,
        origin_payment_id=origin_payment_id,
        issue_key=issue_key,
    )
    entries = write_entries([lot], Kind.ISSUE, now=now, reason=issue_key)
    return Issue(lot, entries + land([lot], now=now))


def reserve(*, owner_id: str, payment_id: str, up_to_cents: int, now: datetime) -> Reservation:
    """Reserve credit for a payment, first-expiring first, as much as there is up to `up_to_cents` (policy 8).

    Only what is available and not past its date. What is reserved for this payment already is the answer again.
    Raises ValueError for a negative amount or a payment without an id.
    """
    if not payment_id:
        raise ValueError("Credit is reserved for a payment")
    lock_wallet(owner_id)
    if already := reserved_cents(payment_id=payment_id):
        return Reservation(already)
    usable = CreditLot.objects.filter(owner_id=owner_id, status=Status.AVAILABLE, expires_at__gt=now)
    lots = take(usable.order_by(*FIRST_EXPIRING), up_to_cents)
    entries = move(lots, Kind.RESERVE, Status.RESERVED, now=now, payment_id=payment_id, reserved_for=payment_id)
    return Reservation(total(lots), entries)


def release(*, payment_id: str, up_to_cents: int | None = None, now: datetime, reason: str = "") -> list[CreditEntry]:
    """Give reserved credit back, latest-expiring first, at most `up_to_cents` (None: all of it) (policy 5, 8).

    It keeps its expiry. Past its date it expires at once; issued from a charged-back payment it is frozen, from a lost
    one revoked. Raises ValueError for a negative amount.
    """
    lots = take(locked_lots(_reserved(payment_id), LATEST_EXPIRING), up_to_cents)
    released = move(lots, Kind.RELEASE, Status.AVAILABLE, now=now, payment_id=payment_id, reason=reason)
    return released + land(lots, now=now, payment_id=payment_id, reason=reason)


def consume(*, payment_id: str, now: datetime) -> list[CreditEntry]:
    """Spend what is reserved for a payment: its lesson was given (policy 4.5)."""
    lots = locked_lots(_reserved(payment_id))
    return move(lots, Kind.CONSUME, Status.CONSUMED, now=now, payment_id=payment_id, reserved_for=payment_id)


def forfeit(*, payment_id: str, up_to_cents: int | None = None, now: datetime, reason: str = "") -> list[CreditEntry]:
    """Take away what is reserved for a payment, first-expiring first (policy 5, 7).

    At most `up_to_cents`; None: all of it. Raises ValueError for a negative amount.
    """
    lots = take(locked_lots(_reserved(payment_id)), up_to_cents)
    return move(
        lots, Kind.FORFEIT, Status.FORFEITED, now=now, payment_id=payment_id, reserved_for=payment_id, reason=reason
    )


def back_to(*, payment_id: str, owner_id: str, target_cents: int, source: str, issue_key: str, now: datetime) -> BackTo:
    """Bring a student "back to X" once per `issue_key` (policy 5), CR being what is reserved for the payment.

    Releases min(CR, X) with its old expiry, latest-expiring first; forfeits CR − X or issues X − CR new, if positive.
    Raises ValueError for a negative target or an empty key.
    """
    if target_cents < 0 or not issue_key:
        raise ValueError(f"Back to a non-negative amount and by a key, not {target_cents} by {issue_key!r}")
    lock_wallet(owner_id)
    done = list(CreditEntry.objects.filter(payment_id=payment_id, owner_id=owner_id, reason=issue_key))
    entries: list[CreditEntry] = []
    if not done:
        reserved = reserved_cents(payment_id=payment_id)
        entries += release(payment_id=payment_id, up_to_cents=target_cents, now=now, reason=issue_key)
        entries += forfeit(payment_id=payment_id, now=now, reason=issue_key)
        if target_cents > reserved:
            entries += issue(
                owner_id=owner_id,
                amount_cents=target_cents - reserved,
                source=source,
                issue_key=issue_key,
                now=now,
                origin_payment_id=payment_id,
            ).entries
    return BackTo(
        released_cents=cents(done or entries, Kind.RELEASE),
        issued_cents=cents(done or entries, Kind.ISSUE),
        forfeited_cents=cents(done or entries, Kind.FORFEIT),
        entries=entries,
    )


def expire_due(*, now: datetime, limit: int = 500) -> list[CreditEntry]:
    """Mark at most `limit` available lots whose date has come as expired; the daily job calls it until it returns none.

    A wallet somebody is using right now is left for the next time: nothing past its date can be spent in between.
    """
    require_transaction()
    due = CreditLot.objects.filter(status=Status.AVAILABLE, expires_at__lte=now)
    concerned = Wallet.objects.filter(Exists(due.filter(owner_id=OuterRef("user_id")))).order_by("user_id")
    wallets = concerned.select_for_update(skip_locked=True)[:limit]
    owners = [wallet.user_id for wallet in wallets]
    lots = list(due.filter(owner_id__in=owners).order_by("owner_id", *FIRST_EXPIRING)[:limit])
    return move(lots, Kind.EXPIRE, Status.EXPIRED, now=now)


def a_year_after(now: datetime) -> datetime:
    """The same instant a year later, UTC; from 29 February to 28 February."""
    try:
        return now.replace(year=now.year + 1)
    except ValueError:
        return now.replace(year=now.year + 1, day=28)


def _reserved(payment_id: str) -> QuerySet[CreditLot]:
    return CreditLot.objects.filter(reserved_for=payment_id, status=Status.RESERVED)
