"""Double entry. Positive is a debit; the lines of an entry sum to zero; an entry is written once, by its key.

Accounts: `stripe:platform` and `stripe:acct_…` are balances at Stripe (assets, compared object by object); `card` is the
students' cards, `bank` the instructors' and our banks, `stripe_fees` what Stripe keeps. `credits_owed` is what students may
spend, `packages_owed` lessons sold in packages and not given yet, `platform_equity` our own, `promotions` what credits given
away were funded from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from .models import LedgerEntry, LedgerLine

PLATFORM = "stripe:platform"
CARD, BANK, STRIPE_FEES = "card", "bank", "stripe_fees"
CREDITS_OWED, EQUITY, PROMOTIONS = "credits_owed", "platform_equity", "promotions"
PACKAGES_OWED = "packages_owed"


def connected(account_id: str) -> str:
    """The ledger account of a connected account's balance at Stripe."""
    return f"stripe:{account_id}"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: account, cents (debit positive), and the Stripe object for balances at Stripe."""

    account: str
    amount_cents: int
    stripe_source: str = ""


class Unbalanced(ValueError):
    """The lines of an entry do not sum to zero: a programming error."""


def post(
    *,
    key: str,
    kind: str,
    lines: Iterable[Line],
    at: datetime,
    payment_id: str = "",
    movement_id: str = "",
    memo: str = "",
) -> bool:
    """Write an entry once; False when its key was already there. Must run inside the caller's transaction.

    Raises Unbalanced when the lines do not sum to zero.
    """
    rows = [line for line in lines if line.amount_cents]
    if sum(line.amount_cents for line in rows):
        raise Unbalanced(f"{key}: {rows}")
    if not rows:
        return False
    entry, created = LedgerEntry.objects.get_or_create(
        key=key,
        defaults={"kind": kind, "at": at, "payment_id": payment_id, "movement_id": movement_id, "memo": memo[:200]},
    )
    if created:
        LedgerLine.objects.bulk_create(
            LedgerLine(
                entry=entry, account=line.account, amount_cents=line.amount_cents, stripe_source=line.stripe_source
            )
            for line in rows
        )
    return created


def balance_of(account: str, *, payment_id: str = "") -> int:
    """The balance of an account in cents, debit positive; what one payment did to it, when one is named."""
    lines = LedgerLine.objects.filter(account=account)
    lines = lines.filter(entry__payment_id=payment_id) if payment_id else lines
    return lines.aggregate(total=Sum("amount_cents"))["total"] or 0


def trial_balance() -> dict[str, int]:
    """Every account's balance; they sum to zero (invariant 1)."""
    rows = LedgerLine.objects.values("account").annotate(total=Sum("amount_cents")).order_by("account")
    return {row["account"]: row["total"] for row in rows}


def capture_lines(
    *,
    account_id: str,
    charge: str,
    amount: int,
    stripe_fee: int,
    transfer: str,
    payment: str,
    fee: str,
    fee_amount: int,
) -> list[Line]:
    """A destination charge captured: the whole amount goes on to the connected account, the fee comes back."""
    return [
        Line(CARD, -amount),
        Line(STRIPE_FEES, stripe_fee),
        Line(PLATFORM, amount - stripe_fee, charge),
        Line(PLATFORM, -amount, transfer),
        Line(PLATFORM, fee_amount, fee),
        Line(connected(account_id), amount - fee_amount, payment),
    ]


def platform_charge_lines(*, charge: str, amount: int, stripe_fee: int) -> list[Line]:
    """A charge on the platform itself, with no transfer."""
    return [Line(CARD, -amount), Line(STRIPE_FEES, stripe_fee), Line(PLATFORM, amount - stripe_fee, charge)]


def package_lines(*, owed_cents: int) -> list[Line]:
    """We owe lessons worth so many cents more; fewer when negative."""
    return [Line(PACKAGES_OWED, -owed_cents), Line(EQUITY, owed_cents)]


def transfer_lines(*, account_id: str, amount: int, transfer: str, payment: str) -> list[Line]:
    return [Line(PLATFORM, -amount, transfer), Line(connected(account_id), amount, payment)]


def reversal_lines(
    *, account_id: str, amount: int, reversal: str, payment_refund: str, fee_refunds: dict[str, int]
) -> list[Line]:
    """A transfer reversed, and the application fee given back with it."""
    lines = [Line(PLATFORM, amount, reversal), Line(connected(account_id), -amount, payment_refund)]
    for fee_refund, fee_amount in fee_refunds.items():
        lines += [Line(PLATFORM, -fee_amount, fee_refund), Line(connected(account_id), fee_amount, fee_refund)]
    return lines


PAYOUT_FEE = "instant_payout_fee"


def payout_fee_lines(*, account_id: str, amount: int, transfer: str, payment: str) -> list[Line]:
    """A transfer from a connected account to the platform."""
    return [Line(connected(account_id), -amount, transfer), Line(PLATFORM, amount, payment)]


def refund_lines(*, amount: int, refund: str) -> list[Line]:
    return [Line(PLATFORM, -amount, refund), Line(CARD, amount)]


def refund_failed_lines(*, amount: int, refund: str) -> list[Line]:
    """The student's bank sent a refund back: the money is on the platform's balance again."""
    return [Line(PLATFORM, amount, refund), Line(CARD, -amount)]


def post_credit(
    *, key: str, kind: str, amount_cents: int, promotional: bool, at: datetime, payment_id: str = ""
) -> None:
    """What a credit entry does to what we owe: an issue adds to it, every end of a lot takes from it."""
    if kind == "issue":
        lines = [Line(CREDITS_OWED, -amount_cents), Line(PROMOTIONS if promotional else EQUITY, amount_cents)]
    elif kind in ("consume", "forfeit", "expire", "revoke"):
        lines = [Line(CREDITS_OWED, amount_cents), Line(EQUITY, -amount_cents)]
    else:
        return
    post(key=key, kind=f"credit_{kind}", lines=lines, at=at, payment_id=payment_id)
