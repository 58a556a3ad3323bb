"""Staff refund a settled lesson, in full or in part: transfer and fee come back in proportion (policy 7)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bookings.models import Booking
from common.actors import Actor, Role
from common.money import half_up
from common.mutex import Lease
from common.problems import Invalid, Refused
from credits.freezing import revoke_unspent
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan, paid_to_instructor, transfers_of
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import book_credits, recorded_amounts, review
from ._errors import UnderReview
from ._history import actor_of, close_support, note
from ._milestones import take_milestone_back
from ._movements import take_back
from ._story import Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
ASKED = ("transfer", "account", "fee", "reverse_transfer")  # of a movement's params: the rest is what Stripe was told
REASONS = ("instructor_no_show", "dispute", "platform_error", "other")


class NothingToRefund(Refused):
    code, title = "nothing_to_refund", "Nothing was charged to the card, or all of it was refunded already"
    remedy = "Nothing to do: read the booking for what was charged and refunded."


class RefundTooLarge(Refused):
    code, title = "refund_too_large", "More than what is left of the charge cannot be refunded"
    remedy = "Refund at most `refundable_cents`."


class NotSettled(Refused):
    code, title = "not_settled", "The lesson's money is not final yet: cancel it or resolve its review instead"
    remedy = "Cancel the booking, or resolve its review."


class PackageLesson(Refused):
    code, title = "package_lesson", "The card paid a package, not this lesson"
    remedy = "Give the lesson back with admin/bookings/{id}/give-back, with to_card for its money."


@dataclass(frozen=True, slots=True)
class Refunded:
    """The booking after a refund, and Stripe's id of the refund."""

    booking: Booking
    refund_id: str


def refund_booking(
    *,
    booking_id: str,
    actor: Actor,
    amount_cents: int | None,
    reason: str,
    note: str = "",
    now: datetime,
    request_key: str | None = None,
) -> Refunded:
    """Refund to the card, all that is left when `amount_cents` is None. Reason: one of REASONS.

    The same `request_key` refunds once: asked again after a crash or a lost answer, the earlier refund is the answer.

    Raises Invalid, NotSettled, UnderReview, NothingToRefund, RefundTooLarge, OperationInProgress, StripeUnavailable.
    """
    only(actor, Role.STAFF)
    if reason not in REASONS:
        raise Invalid("Unknown reason.", errors={"reason": [f"One of {', '.join(REASONS)}."]})
    booking = find_booking(booking_id, actor)
    if booking.payment.is_prepaid:
        raise PackageLesson()
    with one_at_a_time(booking_id, now) as lease:
        plan = _asked_before(booking_id, request_key)
        if plan is None:
            why = f"{reason}: {note}" if note else reason
            plan = _decide(booking_id, actor, amount_cents, why, lease, now, request_key)
            see_through(plan, lease, now)
    refund = Moves(plan).last(Kind.REFUND)
    if refund is None or not refund.stripe_id:
        raise UnderReview("Stripe refused the refund; it is in the support queue.")
    return Refunded(fresh(booking_id), refund.stripe_id)


def _asked_before(booking_id: str, request_key: str | None) -> MoneyPlan | None:
    if request_key is None:
        return None
    plans = MoneyPlan.objects.filter(booking_id=booking_id, purpose=Purpose.REFUND)
    return plans.filter(terms__request_key=request_key).first()


def _decide(
    booking_id: str,
    actor: Actor,
    amount_cents: int | None,
    reason: str,
    lease: Lease,
    now: datetime,
    request_key: str | None,
) -> MoneyPlan:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        if payment.status == PaymentStatus.MANUAL_REVIEW:
            raise UnderReview()
        if payment.status != PaymentStatus.SETTLED:
            raise NotSettled()
        left = payment.card_charged_cents - payment.refunded_to_card_cents
        amount = left if amount_cents is None else amount_cents
        if left <= 0:
            raise NothingToRefund()
        if not 1 <= amount <= left:
            raise RefundTooLarge(f"From 1 to {left} cents can be refunded.", refundable_cents=left)
        sequence = payment.movements.filter(kind=Kind.REFUND).count() + 1
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.REFUND,
            actor=actor,
            now=now,
            lease=lease,
            terms={"amount_cents": amount, "full": amount == left, "request_key": request_key or ""},
            reason=reason,
            movements=refund_movements(payment, amount, key=f"{booking.pk}:{sequence}:{amount}"),
        )


def refund_movements(payment: Payment, amount_cents: int, *, key: str) -> list[Movement]:
    """Refund an amount, taking back from the instructor in proportion; a full refund takes everything back."""
    left = payment.card_charged_cents - payment.refunded_to_card_cents
    held = transfers_of(payment)
    automatic = next((h for h in held if h.purpose == "automatic" and h.left_cents), None)
    others = [h for h in held if h.left_cents and h is not automatic]
    movements = [
        Movement(
            Kind.REVERSE,
            half_up(h.left_cents * amount_cents, left),
            h.purpose,
            {"transfer": h.transfer_id, "account": h.account_id, "fee": h.fee_id},
        )
        for h in others
    ]
    reverse = automatic is not None
    if amount_cents == left and automatic is not None and automatic.reversed_cents:
        movements, reverse = take_back(payment), False  # what is left of every transfer, to the cent
    movements = [m for m in movements if m.amount_cents]
    return [*movements, Movement(Kind.REFUND, amount_cents, params={"reverse_transfer": reverse}, key=key)]


def what_is_left_of(plan: MoneyPlan) -> list[Movement]:
    """The movements of a refund that did not go through, to be made again; a refund that came back took its share already."""
    left = []
    for movement in plan.movements.order_by("position"):
        came_back = bool(movement.result.get("failed"))
        if movement.status == MoneyMovement.Status.DONE and not came_back:
            continue
        asked = {name: movement.params[name] for name in ASKED if name in movement.params}
        if came_back:
            asked["reverse_transfer"] = False
        left.append(Movement(Kind(movement.kind), movement.amount_cents, movement.purpose, asked))
    return left


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal, payment = Moves(plan).refusal, booking.payment
    if refusal is not None:
        return review(plan, booking, refusal, now)
    before = (booking.status, payment.status)
    issued = payment.credits_issued_cents
    if issued:  # the card gets back what credit had been given for
        entries = revoke_unspent(payment_id=payment.pk, up_to_cents=min(issued, plan.terms["amount_cents"]), now=now)
        taken_back = book_credits(entries).get("revoke", 0)
        payment.student_credit_cents = max(0, payment.student_credit_cents - taken_back)
    if plan.terms["full"]:
        take_milestone_back(payment, now)
    payment.settlement_outcome, payment.settled_at = Outcome.ADMIN_REFUND, now
    payment.instructor_payout_cents = paid_to_instructor(payment)
    payment.settle()
    payment.save()
    close_support(booking_id=booking.pk, now=now)
    note(
        booking,
        "staff_refund",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        reason=plan.reason,
        amounts={**recorded_amounts(payment), "refund_cents": plan.terms["amount_cents"]},
    )
    return Outcome.ADMIN_REFUND


tells(Purpose.REFUND, conclude=_conclude)
