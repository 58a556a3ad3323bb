"""A freeze that would outlive the hold: capture and reverse, so that neither side loses the money (policy 4.5)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking, SupportItem
from bookings.policy.holds import SECURE_BEFORE
from common.actors import Actor
from common.mutex import Lease
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._history import actor_of, ask_support, note
from ._movements import has_hold
from ._story import Moves, lock_at_rest, one_at_a_time, see_through, tells

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus


def secure_funds(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """Hold the money of a frozen payment as LOCK does when its hold ends within 12 h. `nothing` when it does not."""
    with one_at_a_time(booking_id, now) as lease:
        plan = _decide(booking_id, actor, lease, now)
        return see_through(plan, lease, now) if plan else "nothing"


def _decide(booking_id: str, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status != S.MANUAL_REVIEW or not has_hold(payment) or payment.capture_before is None:
            return None
        if now < payment.capture_before - SECURE_BEFORE or payment.plans.filter(purpose=Purpose.SECURE_FUNDS).exists():
            return None
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.SECURE_FUNDS,
            actor=actor,
            now=now,
            lease=lease,
            movements=[
                Movement(Kind.CAPTURE, payment.card_amount_cents),
                Movement(Kind.REVERSE, payment.card_amount_cents, params={"transfer": "auto"}),
            ],
        )


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal, payment = Moves(plan).refusal, booking.payment
    if refusal is not None:
        ask_support(
            kind=SupportItem.Kind.UNKNOWN_STATE,
            cause=plan.pk,
            booking_id=booking.pk,
            money_at_risk_cents=payment.card_amount_cents,
            now=now,
            detail=f"The money of a frozen hold could not be secured: {refusal.error_code} {refusal.error_message}",
        )
        return "refused"
    if payment.frozen_status == S.AUTHORIZED:
        payment.frozen_status = S.LOCKED
    payment.locked_at, payment.locked_amount_cents = now, payment.card_charged_cents
    payment.save()
    note(booking, "funds_secured", actor=actor_of(plan), now=now, plan=plan,
         amounts={"locked_cents": payment.locked_amount_cents})  # fmt: skip
    return "secured"


tells(Purpose.SECURE_FUNDS, conclude=_conclude)
