"""Invariants 1, 2 and 12: the ledger, Stripe's ledger, and the treasurer's line."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, Sum

from credits.models import CreditLot
from payments import gateway, ledger
from payments.models import LedgerEntry, LedgerLine, MoneyMovement

from .scope import Scope, Violation

OWED = (CreditLot.Status.AVAILABLE, CreditLot.Status.RESERVED, CreditLot.Status.FROZEN)


def i01_ledger_balances(scope: Scope) -> Iterator[Violation]:
    """The trial balance is zero; the lines of each entry sum to zero; no entry is empty."""
    entries = LedgerEntry.objects.annotate(total=Sum("lines__amount_cents"), count=Count("lines"))
    if scope.payment_id:
        entries = entries.filter(payment_id=scope.payment_id)
    for entry in entries.exclude(total=0, count__gt=1).iterator():
        yield Violation(1, f"ledger entry {entry.key}", f"{entry.count} lines sum to {entry.total}")
    total = LedgerLine.objects.aggregate(total=Sum("amount_cents"))["total"] or 0
    if total:
        yield Violation(1, "trial balance", f"is {total}, not 0")


def i02_ledger_equals_stripe(scope: Scope) -> Iterator[Violation]:
    """For the platform and every connected account: difference 0, object by object."""
    if not scope.with_stripe:
        return
    for account in scope.connected_accounts():
        yield from _compare(ledger.connected(account), _stripes(account))
    if scope.payment_id:
        yield from _platform_objects_of(scope)
    else:
        yield from _compare(ledger.PLATFORM, _stripes(""))


def _stripes(account: str) -> dict[str, int]:
    """Net cents by object, as Stripe booked them. Its own reserves for negative accounts move nothing of ours."""
    found: dict[str, int] = defaultdict(int)
    for booked in gateway.balance_transactions(account=account):
        if booked["type"] not in ("reserved_funds", "reserve_transaction"):
            found[booked["source"] or booked["id"]] += booked["net"]
    return found


def ours(account: str) -> dict[str, int]:
    """Net cents by Stripe object, as our ledger has them."""
    rows = LedgerLine.objects.filter(account=account).values("stripe_source").annotate(total=Sum("amount_cents"))
    return {row["stripe_source"]: row["total"] for row in rows.iterator()}


def _compare(account: str, found: dict[str, int]) -> Iterator[Violation]:
    expected = ours(account)
    for source in sorted(expected.keys() | found.keys()):
        if expected.get(source, 0) != found.get(source, 0):
            message = f"our ledger says {expected.get(source)}, Stripe says {found.get(source)}"
            yield Violation(2, f"{account} {source}", message)


def _platform_objects_of(scope: Scope) -> Iterator[Violation]:
    """For one booking: every object our ledger names is at Stripe with that net, and every transfer there is ours."""
    lines = LedgerLine.objects.filter(account=ledger.PLATFORM, entry__payment_id=scope.payment_id)
    for row in lines.values("stripe_source").annotate(total=Sum("amount_cents")):
        net = sum(t["net"] for t in gateway.balance_transactions(source=row["stripe_source"]))
        if net != row["total"]:
            message = f"our ledger says {row['total']}, Stripe says {net}"
            yield Violation(2, f"{ledger.PLATFORM} {row['stripe_source']}", message)
    known = set(lines.values_list("stripe_source", flat=True))
    for transfer in gateway.transfers_of(transfer_group=str(scope.payment_id)):
        if transfer["id"] not in known:
            yield Violation(2, transfer["id"], "a transfer at Stripe that our ledger does not know")


def i12_treasurers_line(scope: Scope) -> Iterator[Violation]:
    """Card money in and the float = refunds + chargebacks + instructors + banks + Stripe's fees + the platform's balance;
    and what is owed in credits is what the lots say."""
    if scope.payment_id:
        return
    owed = CreditLot.objects.filter(status__in=OWED).aggregate(total=Sum("amount_cents"))["total"] or 0
    if ledger.balance_of(ledger.CREDITS_OWED) != -owed:
        yield Violation(12, "credits owed", f"lots say {owed}, the ledger {-ledger.balance_of(ledger.CREDITS_OWED)}")
    done = MoneyMovement.objects.filter(status=MoneyMovement.Status.DONE)
    charged = done.filter(kind=MoneyMovement.Kind.CAPTURE).aggregate(total=Sum("amount_cents"))["total"] or 0
    refunded = done.filter(kind=MoneyMovement.Kind.REFUND).aggregate(total=Sum("amount_cents"))["total"] or 0
    returned = _kind_total("chargeback", ledger.CARD)
    if -ledger.balance_of(ledger.CARD) != charged - refunded - returned:
        message = f"charged {charged} − refunded {refunded} − charged back {returned} is not the ledger's card account"
        yield Violation(12, "cards", message)
    if scope.with_stripe:
        balance = gateway.balance()
        parts = [*balance["available"], *balance["pending"], *(balance.get("connect_reserved") or [])]
        at_stripe = sum(part["amount"] for part in parts)
        if at_stripe != ledger.balance_of(ledger.PLATFORM):
            message = f"Stripe holds {at_stripe}, the ledger says {ledger.balance_of(ledger.PLATFORM)}"
            yield Violation(12, "platform balance", message)


def _kind_total(kind: str, account: str) -> int:
    lines = LedgerLine.objects.filter(account=account, entry__kind=kind)
    return lines.aggregate(total=Sum("amount_cents"))["total"] or 0
