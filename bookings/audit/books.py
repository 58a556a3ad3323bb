"""Invariants 1, 2 and 12: the ledger, Stripe's ledger, and the treasurer's line."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from bookings.operations._conclusions import PROMOTIONAL
from credits.models import CreditEntry, CreditLot
from packages.models import OWED as LESSONS_OWED
from packages.models import Entitlement
from payments import gateway, ledger
from payments.models import LedgerEntry, LedgerLine, MoneyMovement

from .scope import Scope, Violation

OWED = (CreditLot.Status.AVAILABLE, CreditLot.Status.RESERVED, CreditLot.Status.FROZEN)
Kind = MoneyMovement.Kind


def i01_ledger_balances(scope: Scope) -> Iterator[Violation]:
    """The trial balance is zero; the lines of each entry sum to zero; no entry is empty."""
    entries = LedgerEntry.objects.annotate(total=Sum("lines__amount_cents"), count=Count("lines"))
    if scope.payment_id:
        entries = entries.filter(payment_id=scope.payment_id)
    for entry in scope.each(entries.exclude(total=0, count__gt=1)):
        yield Violation(1, f"ledger entry {entry.key}", f"{entry.count} lines sum to {entry.total}")
    total = LedgerLine.objects.aggregate(total=Sum("amount_cents"))["total"] or 0
    if total:
        yield Violation(1, "trial balance", f"is {total}, not 0")


def i02_ledger_equals_stripe(scope: Scope) -> Iterator[Violation]:
    """For the platform and every connected account: difference 0, object by object."""
    if not scope.with_stripe:
        return
    if scope.payment_id:
        yield from _objects_of(scope.payment_id)
        return
    for account in ["", *scope.connected_accounts()]:
        yield from _compare(ledger.connected(account) if account else ledger.PLATFORM, _stripes(account))


def _stripes(account: str) -> dict[str, int]:
    """Net cents by object, as Stripe booked them. Its own reserves for negative accounts move nothing of ours."""
    found: dict[str, int] = defaultdict(int)
    for booked in gateway.balance_transactions(account=account):
        if booked["type"] not in gateway.RESERVES:
            found[booked["source"] or booked["id"]] += booked["net"]
    return found


def _compare(account: str, found: dict[str, int]) -> Iterator[Violation]:
    rows = LedgerLine.objects.filter(account=account).values_list("stripe_source").annotate(total=Sum("amount_cents"))
    for source, expected in rows.order_by("stripe_source").iterator():
        known, net = source in found, found.pop(source, 0)
        if expected != net:
            yield _differs(account, source, expected, net if known else None)
    for source in sorted(source for source, net in found.items() if net):
        yield _differs(account, source, None, found[source])


def _differs(account: str, source: str, expected: int | None, found: int | None) -> Violation:
    return Violation(2, f"{account} {source}", f"our ledger says {expected}, Stripe says {found}")


def _objects_of(payment_id: str) -> Iterator[Violation]:
    """For one booking: every object our ledger names is at Stripe with that net, and every transfer there is ours."""
    lines = LedgerLine.objects.filter(entry__payment_id=payment_id, account__startswith="stripe:")
    nets = lines.values_list("account", "stripe_source").annotate(total=Sum("amount_cents")).order_by()
    known = {(account, source): total for account, source, total in nets}
    for (account, source), expected in sorted(known.items()):
        at = "" if account == ledger.PLATFORM else account.removeprefix(ledger.connected(""))
        found = gateway.net_of(source, account=at)
        if (found or 0) != expected:
            yield _differs(account, source, expected, found)
    reversed_by_us = _reversed(payment_id)
    for transfer in gateway.transfers_of(transfer_group=payment_id):
        if (ledger.PLATFORM, transfer["id"]) not in known:
            yield Violation(2, transfer["id"], "a transfer at Stripe that our ledger does not know")
        elif transfer["amount_reversed"] != reversed_by_us.get(transfer["id"], 0):
            message = (
                f"we reversed {reversed_by_us.get(transfer['id'], 0)} of it, Stripe says {transfer['amount_reversed']}"
            )
            yield Violation(2, transfer["id"], message)


def _reversed(payment_id: str) -> dict[str, int]:
    """What was taken back, by transfer, as the movements of a payment have it."""
    back: dict[str, int] = defaultdict(int)
    moves = MoneyMovement.objects.filter(payment_id=payment_id, status="done", kind__in=[Kind.REVERSE, Kind.REFUND])
    for result in moves.values_list("result", flat=True):
        back[result.get("transfer", "")] += result["reversed"] if "reversed" in result else result["amount"]
    return back


def i12_treasurers_line(scope: Scope) -> Iterator[Violation]:
    """Card money in = refunds + paid to instructors + platform's own + credits owed − promotions + Stripe's fees.

    Each term is computed without the ledger (from the movements Stripe confirmed, the lots, Stripe's balance) and held
    against the ledger's account; what only the ledger knows (chargebacks, payouts, the float) is held against Stripe by
    invariant 2.
    """
    if scope.payment_id:
        return
    charged, fees = _sum(Kind.CAPTURE, None), _sum(Kind.CAPTURE, "stripe_fee")
    charged, fees = charged + _sum(Kind.COLLECT, "amount"), fees + _sum(Kind.COLLECT, "stripe_fee")
    refunded = _sum(Kind.REFUND, None)
    to_instructors = _sum(Kind.CAPTURE, "transfer_amount") + _sum(Kind.TRANSFER, "amount")
    to_instructors -= _sum(Kind.CAPTURE, "application_fee_amount")
    to_instructors -= _sum(Kind.REVERSE, "amount") + _sum(Kind.REFUND, "reversed")
    to_instructors += _sum(Kind.REVERSE, "fee_refunded") + _sum(Kind.REFUND, "fee_refunded")
    lots = CreditLot.objects.filter(status__in=OWED).aggregate(total=Sum("amount_cents"))["total"] or 0
    lessons = Entitlement.objects.filter(status__in=LESSONS_OWED).aggregate(total=Sum("price_cents"))["total"] or 0
    given = CreditEntry.objects.filter(kind="issue", lot__source__in=PROMOTIONAL)
    promotions = given.aggregate(total=Sum("amount_cents"))["total"] or 0
    platform = charged - fees - refunded - to_instructors + _past_us(ledger.PLATFORM)
    terms = {
        "cards": (charged - refunded, -ledger.balance_of(ledger.CARD) + _past_us(ledger.CARD)),
        "instructors": (to_instructors, _instructors()),
        "Stripe's fees": (fees, ledger.balance_of(ledger.STRIPE_FEES) - _past_us(ledger.STRIPE_FEES)),
        "credits owed": (lots, -ledger.balance_of(ledger.CREDITS_OWED)),
        "lessons owed": (lessons, -ledger.balance_of(ledger.PACKAGES_OWED)),
        "promotions": (promotions, ledger.balance_of(ledger.PROMOTIONS)),
        "platform": (platform, ledger.balance_of(ledger.PLATFORM)),
    }
    for term, (expected, booked) in terms.items():
        if expected != booked:
            yield Violation(12, term, f"should be {expected}, the ledger says {booked}")
    if scope.with_stripe and (held := gateway.balance_total()) != platform:
        yield Violation(12, "platform balance", f"should be {platform}, Stripe holds {held}")


def _sum(kind: MoneyMovement.Kind, key: str | None) -> int:
    """Cents of every movement of a kind that Stripe confirmed: its amount, or a figure of its result."""
    done = MoneyMovement.objects.filter(status=MoneyMovement.Status.DONE, kind=kind)
    amount = Sum(Cast(KT(f"result__{key}"), IntegerField())) if key else Sum("amount_cents")
    return done.aggregate(total=amount)["total"] or 0


def _past_us(account: str) -> int:
    """What moved on an account without a movement of ours: chargebacks, payouts, the platform's own float."""
    lines = LedgerLine.objects.filter(account=account, entry__movement_id="")
    return lines.aggregate(total=Sum("amount_cents"))["total"] or 0


def _instructors() -> int:
    """What instructors have from lessons: on their accounts, and what those paid out to banks."""
    lines = LedgerLine.objects.filter(account__startswith=ledger.connected("acct_")).exclude(entry__movement_id="")
    return lines.aggregate(total=Sum("amount_cents"))["total"] or 0
