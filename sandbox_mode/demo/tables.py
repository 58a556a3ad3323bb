"""Money as tables: of one lesson, of all plays, and of our ledger beside Stripe's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from rich import box
from rich.table import Table

from bookings.models import Booking
from common.money import dollars
from payments import gateway, ledger
from payments.models import ConnectAccount, LedgerLine
from payments.vocabulary import PaymentStatus


@dataclass(frozen=True, slots=True)
class Balance:
    """One balance at Stripe, as we and as Stripe have it, in cents."""

    name: str
    ours_cents: int
    stripe_cents: int

    @property
    def equal(self) -> bool:
        return self.ours_cents == self.stripe_cents


@dataclass(frozen=True, slots=True)
class Played:
    """How a play ended: what is recorded, and what is wrong with it, in words."""

    title: str
    outcome: str
    credit_cents: int
    payout_cents: int
    refund_cents: int
    wrong: tuple[str, ...] = ()


def when(instant: datetime) -> str:
    """Such as `Tue 24 Nov 10:15`, UTC."""
    return f"{instant:%a} {instant.day:>2} {instant:%b %H:%M}"


def money_of(booking: Booking) -> Table:
    """Where a lesson's money is now: every party's part of the ledger."""
    payment = booking.payment
    rows = LedgerLine.objects.filter(entry__payment_id=payment.pk)
    sums = dict(rows.order_by().values_list("account").annotate(cents=Sum("amount_cents")))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for name, width in (("Card", 20), ("Credit", 14)):
        table.add_column(name, min_width=width)
    for name in ("Instructor", "Platform", "Stripe"):
        table.add_column(name, justify="right", min_width=8, no_wrap=True)
    table.add_row(
        _card(booking),
        _credit(booking),
        dollars(sums.get(ledger.connected(payment.destination_account_id), 0)),
        dollars(sums.get(ledger.PLATFORM, 0)),
        dollars(sums.get(ledger.STRIPE_FEES, 0)),
    )
    return table


def states_of(booking: Booking) -> str:
    """Both statuses, as `CONFIRMED · authorized`."""
    return f"[bold]{booking.status}[/] · [bold]{booking.payment.status}[/]"


def _card(booking: Booking) -> str:
    payment = booking.payment
    if payment.is_captured:
        back = payment.refunded_to_card_cents
        return f"charged {dollars(payment.card_charged_cents)}{f', back {dollars(back)}' if back else ''}"
    if payment.status == PaymentStatus.SETTLED:
        return "nothing charged"
    held = payment.capture_before is not None
    return f"{'held' if held else 'to pay'} {dollars(payment.card_amount_cents)}"


def _credit(booking: Booking) -> str:
    payment = booking.payment
    parts = [
        ("back", payment.student_credit_cents),
        ("used", payment.credits_consumed_cents),
        ("lost", payment.credits_forfeited_cents),
    ]
    if not payment.settlement_outcome:
        parts = [("reserved", payment.credits_reserved_cents)]
    return ", ".join(f"{name} {dollars(cents)}" for name, cents in parts if cents) or "-"


def outcomes(plays: Iterable[Played]) -> Table:
    """Every play and how it ended."""
    table = Table(title="Every outcome", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Play", "Outcome"):
        table.add_column(name, overflow="fold")
    for name in ("Credit", "Payout", "Refund"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("As the policy says", overflow="fold")
    for played in plays:
        table.add_row(
            played.title,
            played.outcome or "none",
            dollars(played.credit_cents),
            dollars(played.payout_cents),
            dollars(played.refund_cents),
            f"[red]{'; '.join(played.wrong)}[/]" if played.wrong else "[green]yes[/]",
        )
    return table


def balances() -> list[Balance]:
    """The platform's and every connected account's balance, from our ledger and from Stripe's API."""
    ours = ledger.trial_balance()
    known = ConnectAccount.objects.exclude(stripe_account_id=None).select_related("instructor").order_by("pk")
    found = [Balance("Platform", ours.get(ledger.PLATFORM, 0), _at_stripe(""))]
    for account in known:
        stripe_id = str(account.stripe_account_id)
        name = f"{account.instructor.public_name} ({stripe_id})"
        found.append(Balance(name, ours.get(ledger.connected(stripe_id), 0), _at_stripe(stripe_id)))
    return found


def _at_stripe(account: str) -> int:
    balance = gateway.balance(account=account)
    return sum(int(part["amount"]) for side in ("available", "pending") for part in balance[side])


def reconciliation(found: list[Balance]) -> Table:
    """Our ledger beside Stripe's balances; equal ones of many are one line."""
    table = Table(title="Our ledger and Stripe's balances", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Balance of", "Our ledger", "At Stripe", "Difference"):
        table.add_column(name, justify="left" if name == "Balance of" else "right")
    moved = [one for one in found[1:] if one.ours_cents or one.stripe_cents]
    shown = [one for one in moved if not one.equal] + [one for one in moved if one.equal][-12:]
    rest = [one for one in found[1:] if one not in shown]
    for one in [*found[:1], *shown]:
        table.add_row(one.name, dollars(one.ours_cents), dollars(one.stripe_cents), _difference(one))
    if rest:
        together = Balance(
            f"{len(rest)} more instructors", sum(o.ours_cents for o in rest), sum(o.stripe_cents for o in rest)
        )
        table.add_row(
            together.name, dollars(together.ours_cents), dollars(together.stripe_cents), _difference(together)
        )
    return table


def _difference(balance: Balance) -> str:
    if balance.equal:
        return "[green]$0.00[/]"
    return f"[red]{dollars(balance.ours_cents - balance.stripe_cents)}[/]"
