"""What wallet, API and audit read of credits. Reads only; nothing here locks."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from .lots import FIRST_EXPIRING, Kind, Status
from .models import CreditEntry, CreditLot


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet in cents, with its live lots (available, reserved, frozen), first-expiring first."""

    available_cents: int
    reserved_cents: int
    frozen_cents: int
    reserved_by_payment: dict[str, int]
    lots: list[CreditLot]


@dataclass(frozen=True, slots=True)
class Totals:
    """Every cent ever issued, and where it is now (invariant 6)."""

    issued: int = 0
    available: int = 0
    reserved: int = 0
    consumed: int = 0
    forfeited: int = 0
    expired: int = 0
    frozen: int = 0
    revoked: int = 0

    @property
    def accounted_for(self) -> int:
        """What the lots of all states add up to."""
        cents: dict[str, int] = asdict(self)
        return sum(cents.values()) - self.issued

    @property
    def adds_up(self) -> bool:
        """Invariant 6: issued = available + reserved + consumed + forfeited + expired + frozen + revoked."""
        return self.issued == self.accounted_for


def available_cents(*, user_id: str, now: datetime) -> int:
    """What somebody can spend now, in cents: available and not past its date."""
    usable = CreditLot.objects.filter(owner_id=user_id, status=Status.AVAILABLE, expires_at__gt=now)
    return usable.aggregate(cents=Sum("amount_cents"))["cents"] or 0


def lots_of(*, user_id: str, now: datetime) -> QuerySet[CreditLot]:
    """Somebody's live lots, first-expiring first: available and not past its date, reserved, frozen."""
    live = Q(status__in=[Status.RESERVED, Status.FROZEN]) | Q(status=Status.AVAILABLE, expires_at__gt=now)
    return CreditLot.objects.filter(live, owner_id=user_id).order_by(*FIRST_EXPIRING)


def balance(*, user_id: str, now: datetime) -> Balance:
    """Somebody's wallet, in one query."""
    lots = list(lots_of(user_id=user_id, now=now))
    cents: dict[str, int] = defaultdict(int)
    by_payment: dict[str, int] = defaultdict(int)
    for lot in lots:
        cents[lot.status] += lot.amount_cents
        if lot.status == Status.RESERVED:
            by_payment[lot.reserved_for] += lot.amount_cents
    return Balance(
        available_cents=cents[Status.AVAILABLE],
        reserved_cents=cents[Status.RESERVED],
        frozen_cents=cents[Status.FROZEN],
        reserved_by_payment=dict(by_payment),
        lots=lots,
    )


def reserved_cents(*, payment_id: str) -> int:
    """What is reserved for a payment, in cents."""
    reserved = CreditLot.objects.filter(reserved_for=payment_id, status=Status.RESERVED)
    return reserved.aggregate(cents=Sum("amount_cents"))["cents"] or 0


def history_of(*, user_id: str) -> QuerySet[CreditEntry]:
    """What happened to somebody's credits, newest first."""
    return CreditEntry.objects.filter(owner_id=user_id).select_related("lot").order_by("-at", "-id")


def totals(user_id: str) -> Totals:
    """Every cent issued to somebody and where it is now."""
    return _totals(user_id, _entry_sums(user_id)).get(user_id, Totals())


def check_user(user_id: str) -> list[str]:
    """What is wrong with somebody's credits (invariant 6), in words; empty when nothing is."""
    return check_everybody(user_id=user_id)


def check_everybody(*, user_id: str | None = None) -> list[str]:
    """What is wrong with credits (invariant 6), in words: the lots against what was issued and against their entries.

    Two queries, whoever many people there are.
    """
    kinds = _entry_sums(user_id)
    found = []
    for owner, lots in sorted(_totals(user_id, kinds).items()):
        entries = kinds[owner]
        if not lots.adds_up:
            found.append(f"{owner}: {lots.issued} cents issued, {lots.accounted_for} accounted for: {lots}")
        reserved = entries[Kind.RESERVE] - entries[Kind.RELEASE] - entries[Kind.CONSUME] - entries[Kind.FORFEIT]
        expected = {
            "reserved": reserved,
            "consumed": entries[Kind.CONSUME],
            "forfeited": entries[Kind.FORFEIT],
            "expired": entries[Kind.EXPIRE],
            "revoked": entries[Kind.REVOKE],
        }
        found += [
            f"{owner}: entries say {cents} cents {state}, lots say {getattr(lots, state)}"
            for state, cents in expected.items()
            if cents != getattr(lots, state)
        ]
    return found


def _totals(user_id: str | None, kinds: dict[str, dict[str, int]]) -> dict[str, Totals]:
    lots = CreditLot.objects.all() if user_id is None else CreditLot.objects.filter(owner_id=user_id)
    by_owner: dict[str, dict[str, int]] = defaultdict(dict)
    for row in lots.order_by().values("owner_id", "status").annotate(cents=Sum("amount_cents")):
        by_owner[row["owner_id"]][row["status"]] = row["cents"]
    for owner, entries in kinds.items():
        by_owner[owner]["issued"] = entries[Kind.ISSUE]
    return {owner: Totals(**cents) for owner, cents in by_owner.items()}


def _entry_sums(user_id: str | None) -> dict[str, dict[str, int]]:
    entries = CreditEntry.objects.all() if user_id is None else CreditEntry.objects.filter(owner_id=user_id)
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in entries.order_by().values("owner_id", "kind").annotate(cents=Sum("amount_cents")):
        sums[row["owner_id"]][row["kind"]] = row["cents"]
    return sums
