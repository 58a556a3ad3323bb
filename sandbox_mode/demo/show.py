"""The evening: every play in turn, what each should end with, and the books at the end."""

from collections.abc import Iterable

from rich.console import Console

from bookings.models import Booking
from bookings.policy.recorded import recorded
from bookings.queries import frozen_amounts
from common import clock
from common.actors import Role
from common.ids import new_id
from common.money import dollars
from payments import ledger
from payments.funding import fund_platform
from payments.models import MoneyPlan, Payment
from payments.vocabulary import Outcome
from sandbox_mode import walker
from sandbox_mode.people import make_person

from . import tables
from .plays import Play
from .scene import Scene
from .tables import Played

FLOAT_CENTS = 5_000_000
ENOUGH_CENTS = 2_000_000


def perform(plays: Iterable[Play], console: Console) -> bool:
    """Act the plays out and compare the books; True when every play ended right and every cent is where Stripe has it."""
    _fund()
    staff = make_person(role=Role.STAFF, now=clock.now(), email=f"demo-staff-{new_id().lower()}@example.com")
    played = []
    for number, play in enumerate(plays):
        console.rule(f"[bold]{number + 1}. {play.title}")
        scene = Scene(console, staff, number)
        play.act(scene)
        played.append(_judged(play, scene.booking))
    walker.settle()
    console.print()
    console.print(tables.outcomes(played))
    return _books_are_equal(console) and not any(one.wrong for one in played)


def _fund() -> None:
    """Explicit payouts draw on the platform's own balance."""
    if ledger.balance_of(ledger.PLATFORM) < ENOUGH_CENTS:
        fund_platform(
            amount_cents=FLOAT_CENTS, payment_method="pm_card_bypassPending", now=clock.now(), key=f"float:{new_id()}"
        )


def _judged(play: Play, booking: Booking) -> Played:
    payment = booking.payment
    said = (payment.student_credit_cents, payment.instructor_payout_cents, payment.refunded_to_card_cents)
    return Played(play.title, payment.settlement_outcome, *said, tuple(_wrong(play, payment)))


def _wrong(play: Play, payment: Payment) -> Iterable[str]:
    """What differs from the policy's row."""
    if payment.settlement_outcome != play.outcome:
        yield f"should be {play.outcome}"
        return
    row = recorded(Outcome(play.outcome), frozen_amounts(payment))
    refund = row.refund_cents if play.refund_cents is None else play.refund_cents
    for name, expected, found in (
        ("credit", row.credit_cents, payment.student_credit_cents),
        ("payout", row.payout_cents, payment.instructor_payout_cents),
        ("refund", refund, payment.refunded_to_card_cents),
    ):
        if expected is not None and expected != found:
            yield f"{name} should be {dollars(expected)}"


def _books_are_equal(console: Console) -> bool:
    found = tables.balances()
    console.print(tables.reconciliation(found))
    total = sum(ledger.trial_balance().values())
    unfinished = MoneyPlan.objects.filter(finished_at=None).count()
    if total:
        console.print(f"[red]The ledger does not balance: {dollars(total)}[/]")
    if unfinished:
        console.print(f"[red]{unfinished} decisions are not carried out[/]")
    equal = all(balance.equal for balance in found) and not total and not unfinished
    console.print(
        "[bold green]Our ledger and Stripe's balances are equal to the cent.[/]"
        if equal
        else "[bold red]Our ledger and Stripe's balances differ.[/]"
    )
    return equal
