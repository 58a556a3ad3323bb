"""What an operation would decide, shown before anything happens: it is run up to its decision, and all of it is undone.

A preview made so cannot differ from the decision, because it is the decision: the same checks, the same refusals, the same
terms and movements. Nothing is said to Stripe; nothing stays in the database.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db import transaction

from bookings.models import Booking
from bookings.policy.forecast import Planned, Standing, Transfer, after_staff_refund, after_terms
from bookings.queries import frozen_amounts
from credits.freezing import unspent_from
from credits.queries import reserved_cents
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import transfers_of
from payments.vocabulary import Outcome

from ._conclusions import from_plain
from ._story import Rehearsed, rehearsing


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Where the money of a booking stands and would stand, in cents, with the statuses; what would be said to Stripe."""

    before: Standing
    after: Standing
    steps: tuple[Planned, ...]


def rehearse(booking_id: str, ask: Callable[[], object]) -> Rehearsal:
    """Rehearse `ask`, a call of one operation on this booking. Raises whatever the operation would refuse with."""
    before = standing(booking_id)
    with rehearsing(), transaction.atomic():
        plan: MoneyPlan | None = None
        try:
            ask()
        except Rehearsed as stopped:
            plan = stopped.plan
        found = Rehearsal(before, *_forecast(booking_id, plan))
        transaction.set_rollback(True)
    return found


def standing(booking_id: str) -> Standing:
    """Where a booking's money stands, as Stripe has confirmed it."""
    booking = Booking.objects.select_related("payment").get(pk=booking_id)
    payment = booking.payment
    return Standing(
        booking=booking.status,
        payment=payment.status,
        outcome=payment.settlement_outcome,
        charged_cents=payment.card_charged_cents,
        refunded_cents=payment.refunded_to_card_cents,
        payout_cents=sum(held.net_cents for held in transfers_of(payment)),
        credit_cents=payment.student_credit_cents,
        released_cents=payment.credits_released_cents,
        issued_cents=payment.credits_issued_cents,
        forfeited_cents=payment.credits_forfeited_cents,
        consumed_cents=payment.credits_consumed_cents,
    )


def _forecast(booking_id: str, plan: MoneyPlan | None) -> tuple[Standing, tuple[Planned, ...]]:
    now = standing(booking_id)
    if plan is None:
        return now, ()
    payment = Payment.objects.get(pk=plan.payment_id)
    steps = tuple(_planned(movement) for movement in plan.movements.order_by("position"))
    transfers = [_transfer(held) for held in transfers_of(payment)]
    if plan.purpose == MoneyPlan.Purpose.REFUND:
        unspent = unspent_from(payment_id=payment.pk, now=plan.decided_at)
        revoked = min(unspent, payment.credits_issued_cents, plan.terms["amount_cents"])
        return after_staff_refund(now, steps, transfers, revoked_cents=revoked), steps
    if "steps" not in plan.terms:
        return replace(now, payment="settled", outcome=str(Outcome.ADMIN_REFUND)), steps
    terms, amounts = from_plain(plan.terms), frozen_amounts(payment)
    reserved = reserved_cents(payment_id=payment.pk)
    after = after_terms(now, terms, amounts, steps, transfers, reserved_cents=reserved)
    if plan.purpose == MoneyPlan.Purpose.GIVE_UP:
        after = replace(after, outcome=str(Outcome.ADMIN_REFUND))
    return after, steps


def _planned(movement: MoneyMovement) -> Planned:
    return Planned(
        kind=movement.kind,
        amount_cents=movement.amount_cents,
        purpose=movement.purpose,
        transfer=movement.params.get("transfer", ""),
        reverses=bool(movement.params.get("reverse_transfer")),
    )


def _transfer(held: object) -> Transfer:
    return Transfer(**{name: getattr(held, name) for name in Transfer.__dataclass_fields__})
