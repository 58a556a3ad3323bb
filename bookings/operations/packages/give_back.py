"""Support gives a package's lesson back that was used: the instructor's pay returns, the entitlement too, or its money (policy 12)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from bookings.operations._conclusions import book_credits, recorded_amounts, review
from bookings.operations._errors import ChargebackOpen, UnderReview
from bookings.operations._history import actor_of, note
from bookings.operations._milestones import take_milestone_back
from bookings.operations._movements import take_back
from bookings.operations._story import Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from bookings.policy.packages import Entitled, entitlement_after
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Refused
from credits.freezing import revoke_unspent
from packages import entitlements
from packages.models import Package
from payments.models import MoneyPlan
from payments.settlement import open_plan, paid_to_instructor
from payments.vocabulary import Outcome, PaymentStatus

from .refund import refund_returned_lessons

Purpose = MoneyPlan.Purpose
GIVEN_BACK = "given_back"


class NotGivenBack(Refused):
    code, title = "nothing_to_give_back", "This lesson used no entitlement that could be given back"
    remedy = "Only settled lessons of a package are given back; others are cancelled or their review is resolved."


def give_lesson_back(*, booking_id: str, actor: Actor, to_card: bool, reason: str, now: datetime) -> Booking:
    """Take the instructor's pay for a settled package lesson back, and give the student the lesson again, or with `to_card`
    its share of the price. Twice is once.

    Raises NotGivenBack, UnderReview, ChargebackOpen, OperationInProgress, StripeUnavailable (then it is carried on).
    """
    only(actor, Role.STAFF)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        done = MoneyPlan.objects.filter(payment__bookings=booking_id, purpose=Purpose.GIVE_BACK, result=GIVEN_BACK)
        plan = done.first()
        if plan is None:
            plan = _decide(booking_id, actor, reason, lease, now, to_card=to_card)
            see_through(plan, lease, now)
    booking = fresh(booking_id)
    if plan.terms["to_card"] and booking.payment.status == PaymentStatus.SETTLED:
        refund_returned_lessons(package_id=plan.terms["package"], actor=actor, now=now)
    return fresh(booking_id)


def _decide(booking_id: str, actor: Actor, reason: str, lease: Lease, now: datetime, *, to_card: bool) -> MoneyPlan:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status == PaymentStatus.MANUAL_REVIEW:
            raise UnderReview()
        if payment.status != PaymentStatus.SETTLED or payment.entitlement is None:
            raise NotGivenBack()
        if entitlement_after(Outcome(payment.settlement_outcome)) is not Entitled.USED:
            raise NotGivenBack()
        if payment.entitlement.package.status != Package.Status.PAID:
            raise ChargebackOpen("The bank took this package's money back or is deciding to.")
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.GIVE_BACK,
            actor=actor,
            now=now,
            lease=lease,
            terms={"to_card": to_card, "package": payment.entitlement.package_id},
            reason=reason,
            movements=take_back(payment),
        )


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal, payment = Moves(plan).refusal, booking.payment
    if refusal is not None:
        return review(plan, booking, refusal, now)
    before = (booking.status, payment.status)
    if payment.credits_issued_cents:  # half the price had come back as credit
        entries = revoke_unspent(payment_id=payment.pk, up_to_cents=payment.credits_issued_cents, now=now)
        taken_back = book_credits(entries).get("revoke", 0)
        payment.student_credit_cents = max(0, payment.student_credit_cents - taken_back)
    take_milestone_back(payment, now)
    payment.settlement_outcome, payment.settled_at = Outcome.ADMIN_REFUND, now
    payment.instructor_payout_cents = paid_to_instructor(payment)
    payment.settle()
    payment.save()
    entitlements.conclude(
        payment, is_used=False, is_blameless=True, to_refund=plan.terms["to_card"], cause=plan.pk, now=now
    )
    note(
        booking,
        "lesson_given_back",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        reason=plan.reason,
        amounts=recorded_amounts(payment),
        details={"to_card": plan.terms["to_card"]},
    )
    return GIVEN_BACK


tells(Purpose.GIVE_BACK, conclude=_conclude)
