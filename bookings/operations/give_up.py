"""Give up what Stripe refused: the rest of the decision stands, the money stays where it is (policy 5, 7)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from common.actors import Actor, Role
from common.mutex import Lease
from payments.models import MoneyPlan
from payments.settlement import open_plan, paid_to_instructor
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import apply_credits, from_plain, recorded_amounts
from ._errors import ChargebackOpen
from ._history import actor_of, close_support, note
from ._story import find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from .report_no_show import checked_reason
from .resolve_review import DecidedElsewhere, NotInReview, decision_in_hand

Purpose = MoneyPlan.Purpose


def give_up_movement(*, booking_id: str, actor: Actor, reason: str, now: datetime) -> Booking:
    """End the review of a refused reversal, refund or payout without trying it again: outcome `admin_refund`.

    What the decision gave as credit is given; nothing is asked of Stripe; the payout is recorded as it stands.
    Raises Invalid, NotInReview, ChargebackOpen, DecidedElsewhere, OperationInProgress.
    """
    only(actor, Role.STAFF)
    reason = checked_reason(reason, 1, 2000)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        see_through(_decide(booking_id, actor, reason, lease, now), lease, now)
    return fresh(booking_id)


def _decide(booking_id: str, actor: Actor, reason: str, lease: Lease, now: datetime) -> MoneyPlan:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status != PaymentStatus.MANUAL_REVIEW:
            raise NotInReview()
        if payment.review_reason == "chargeback":
            raise ChargebackOpen()
        interrupted = decision_in_hand(payment)
        if interrupted is None:
            raise DecidedElsewhere("No movement that Stripe refused waits here.")
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.GIVE_UP,
            actor=actor,
            now=now,
            lease=lease,
            terms={name: value for name, value in interrupted.terms.items() if name != "request_key"},
            reason=reason,
        )


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    payment, before = booking.payment, (booking.status, booking.payment.status)
    if "steps" in plan.terms:  # a staff refund has none, and leaves credits as they are
        apply_credits(payment, from_plain(plan.terms), now)
    payment.settlement_outcome, payment.settled_at = Outcome.ADMIN_REFUND, now
    payment.owed_outcome = payment.review_reason = ""
    payment.instructor_payout_cents = paid_to_instructor(payment)
    if payment.has_locked_funds:
        payment.lock_resolution, payment.lock_resolved_at = Outcome.ADMIN_REFUND, now
    payment.settle()
    payment.save()
    close_support(booking_id=booking.pk, now=now)
    note(
        booking,
        "movement_given_up",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        reason=plan.reason,
        amounts=recorded_amounts(payment),
        details={"outcome": str(Outcome.ADMIN_REFUND)},
    )
    return Outcome.ADMIN_REFUND


tells(Purpose.GIVE_UP, conclude=_conclude)
