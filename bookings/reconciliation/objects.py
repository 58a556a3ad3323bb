"""Stripe's lists beside the balance transactions: what each says an object is worth, and what we say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from payments.gateway import Fields

from . import ours


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A list by Stripe's name: the cents of an object there and here, and whether connected accounts have it too."""

    name: str
    found: Callable[[Fields], int]
    expected: Callable[[str, Iterable[str]], dict[str, int]]
    is_everybodys: bool = False


def _captured(charge: Fields) -> int:
    return int(charge["amount_captured"]) if charge["status"] == "succeeded" else 0


def _refunded(refund: Fields) -> int:
    """A released hold leaves a refund that moved nothing; a failed one came back."""
    moved = refund["balance_transaction"] and refund["status"] not in ("failed", "canceled")
    return int(refund["amount"]) if moved else 0


def _paid_out(payout: Fields) -> int:
    return int(payout["amount"]) if payout["status"] not in ("failed", "canceled") else 0


LISTS = (
    ObjectList("charges", _captured, ours.charged_by_object),
    ObjectList("transfers", lambda transfer: int(transfer["amount"]), ours.sent_by_object),
    ObjectList("refunds", _refunded, ours.sent_by_object),
    ObjectList("disputes", lambda dispute: int(dispute["amount"]), ours.disputed_by_object),
    ObjectList("payouts", _paid_out, ours.sent_by_object, is_everybodys=True),
)
TRANSACTIONS = "balance_transactions"
NAMES = (TRANSACTIONS, *(one.name for one in LISTS))
BY_NAME = {one.name: one for one in LISTS}


def names_for(account: str) -> tuple[str, ...]:
    """The lists to read for an account, in order; a connected account's charges and transfers are the platform's."""
    if not account:
        return NAMES
    return (TRANSACTIONS, *(one.name for one in LISTS if one.is_everybodys))
