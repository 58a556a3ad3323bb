"""Where the money is at the end of a day."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Sum

from payments import gateway, ledger
from payments.models import LedgerLine, Payment

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True, slots=True)
class Money:
    """All in cents; `outcomes` counts lessons by how their money ended or where it stands."""

    at: datetime
    available: int
    pending: int
    credits_owed: int
    paid_out: int
    refunded: int
    stripe_fees: int
    charged: int
    outcomes: dict[str, int]


def money_of(world: "World") -> Money:
    """As it stands now."""
    balance = gateway.balance()
    totals = Payment.objects.aggregate(
        paid=Sum("instructor_payout_cents"), refunded=Sum("refunded_to_card_cents"), charged=Sum("card_charged_cents")
    )
    ended = Payment.objects.values_list("settlement_outcome", "status").annotate(number=Count("pk"))
    outcomes: dict[str, int] = {}
    for outcome, status, number in ended.order_by("settlement_outcome", "status"):
        name = outcome if status == "settled" else str(status)
        outcomes[name] = outcomes.get(name, 0) + number
    return Money(
        at=world.ground.now,
        available=sum(part["amount"] for part in balance["available"]),
        pending=sum(part["amount"] for part in balance["pending"]),
        credits_owed=-ledger.balance_of(ledger.CREDITS_OWED),
        paid_out=totals["paid"] or 0,
        refunded=totals["refunded"] or 0,
        stripe_fees=LedgerLine.objects.filter(account=ledger.STRIPE_FEES).aggregate(sum=Sum("amount_cents"))["sum"]
        or 0,
        charged=totals["charged"] or 0,
        outcomes=outcomes,
    )
