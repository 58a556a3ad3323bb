"""What finance reads: the ledger by account and period, credits owed by expiry, reconciliation, payouts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.dateparse import parse_date

from bookings.models import ReconciliationDifference, ReconciliationRun, SupportItem
from credits.models import CreditLot
from payments.models import LedgerEntry, LedgerLine

PAGE = 200
OWED = ("available", "reserved", "frozen")
COLUMNS = ("at", "account", "kind", "memo", "payment", "stripe_object", "amount_cents", "balance_cents", "entry")
FIELDS = (
    "id", "entry__at", "account", "entry__kind", "entry__memo", "entry__payment_id", "stripe_source", "amount_cents",
    "entry_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """An account of the ledger ("" for all) and days, both included, UTC."""

    account: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def lines(self) -> QuerySet[LedgerLine]:
        found = LedgerLine.objects.filter(account=self.account) if self.account else LedgerLine.objects.all()
        if self.since:
            found = found.filter(entry__at__gte=self.since)
        if self.until:
            found = found.filter(entry__at__lte=self.until)
        return found.order_by("entry__at", "id")

    def opening_cents(self) -> int:
        """The account's balance before the period."""
        if self.since is None:
            return 0
        before = LedgerLine.objects.filter(entry__at__lt=self.since)
        before = before.filter(account=self.account) if self.account else before
        return before.aggregate(total=Sum("amount_cents"))["total"] or 0


def period_of(given: dict[str, str]) -> Period:
    """From what a form says; what it does not say, or not well, is open."""

    def day(name: str, at: time) -> datetime | None:
        try:
            date = parse_date(given.get(name, ""))
        except ValueError:
            return None
        return datetime.combine(date, at, UTC) if date else None

    return Period(given.get("account", "").replace("\x00", "")[:80], day("since", time.min), day("until", time.max))


def page_of_lines(period: Period, after: int) -> tuple[list[dict[str, Any]], int, bool]:
    """A page of lines with the balance after each; the balance before the page; whether there are more."""
    lines = period.lines()
    opening = period.opening_cents()
    if after:
        earlier = lines.values("amount_cents")[:after]
        opening += sum(row["amount_cents"] for row in earlier.iterator(chunk_size=2000))
    rows = list(lines.values(*FIELDS)[after : after + PAGE + 1])
    balance = opening
    for row in rows:
        balance += row["amount_cents"]
        row["balance_cents"] = balance
    return rows[:PAGE], opening, len(rows) > PAGE


def csv_lines(period: Period) -> Iterator[tuple[Any, ...]]:
    """The heading and every line, read in chunks: 100,000 of them are never in memory together."""
    yield COLUMNS
    balance = period.opening_cents()
    for _, at, account, kind, memo, payment, source, cents, entry in (
        period.lines().values_list(*FIELDS).iterator(chunk_size=2000)
    ):
        balance += cents
        yield at.isoformat(), account, kind, memo, payment, source, cents, balance, entry


def accounts() -> list[dict[str, Any]]:
    """Every account with its balance; they sum to zero."""
    rows = LedgerLine.objects.values("account").annotate(total=Sum("amount_cents"), lines=Count("pk"))
    return [dict(row) for row in rows.order_by("account")]


def credits_owed() -> list[dict[str, Any]]:
    """What students may still spend, by the month in which it expires and by where it came from."""
    lots = CreditLot.objects.filter(status__in=OWED).annotate(month=TruncMonth("expires_at"))
    rows = lots.values("month", "source").annotate(total=Sum("amount_cents"), lots=Count("pk"))
    return [dict(row) for row in rows.order_by("month", "source")]


def reconciliation() -> tuple[list[ReconciliationRun], list[tuple[SupportItem, ReconciliationDifference | None]]]:
    """The latest runs, and every difference that nobody has explained yet."""
    runs = list(ReconciliationRun.objects.order_by("-started_at")[:20])
    items = list(SupportItem.objects.filter(kind="ledger_difference", closed_at=None).order_by("opened_at")[:PAGE])
    sources = [item.cause.rpartition(":")[2] for item in items]
    known = {
        f"{d.stripe_account or 'platform'}:{d.stripe_source}": d
        for d in ReconciliationDifference.objects.filter(stripe_source__in=sources).order_by("id")
    }
    return runs, [(item, known.get(item.cause)) for item in items]


def payouts() -> list[dict[str, Any]]:
    """The latest payouts to banks, and those that came back."""
    entries = LedgerEntry.objects.filter(kind__in=("payout", "payout_returned"), lines__account="bank")
    rows = entries.annotate(total=Sum("lines__amount_cents")).values("at", "kind", "key", "total")
    found = list(rows.order_by("-at")[:100])
    accounts_of = dict(
        LedgerLine.objects.filter(
            entry__key__in=[row["key"] for row in found], account__startswith="stripe:"
        ).values_list("entry__key", "account")
    )
    return [{**row, "account": accounts_of.get(row["key"], "")} for row in found]
