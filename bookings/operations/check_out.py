"""Check a booking out: reserve credits, create the intent, and hold the card at once when the lesson is near (policy 4.2)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.holds import refuse_if_held
from bookings.models import Booking
from bookings.policy import holds
from bookings.policy.windows import Window, window_of
from bookings.queries import frozen_amounts
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Invalid
from credits import operations as credit_lots
from payments import cards
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._conclusions import book_credits
from ._errors import (
    BookingCancelled,
    BookingConflict,
    CheckoutExpired,
    LessonStarted,
    PaidByPackage,
    UnderReview,
    card_refusal,
)
from ._history import actor_of, note
from ._holds import DECLINED, PENDING_ACTION, conclude_hold, confirm_times
from ._movements import hold_again, new_hold
from ._story import REFUSED, Moves, find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from ._times import take_again
from .confirm_hold import take_note_of_hold

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """The booking after a payment attempt; with `requires_action`, the browser finishes 3-D Secure with the secret."""

    booking: Booking
    requires_action: bool = False
    client_secret: str | None = None


def check_out(
    *,
    booking_id: str,
    actor: Actor,
    payment_method_id: str | None = None,
    save_payment_method: bool = False,
    requested_credit_cents: int = 0,
    now: datetime,
) -> CheckedOut:
    """Pay for a booking: at once when it is less than 24 h away, else on the hold date. A second call answers the first again.

    Raises BookingCancelled, BookingConflict (the slot went), CheckoutExpired, CardRefused, StripeUnavailable, and the
    refusals of account holds.
    """
    only(actor, Role.STUDENT)
    booking = find_booking(booking_id, actor)
    refuse_if_held(booking.student)
    with one_at_a_time(booking_id, now) as lease:
        answered = _first_answer(booking_id, actor, payment_method_id, lease, now)
        if answered:
            return answered
        card = cards.card_to_charge(user=booking.student, payment_method_id=payment_method_id)
        if save_payment_method and not card.is_default:
            cards.make_default(user=booking.student, method_id=card.pk)
        plan = _decide(booking_id, actor, card.stripe_id, requested_credit_cents, lease, now)
        result = see_through(plan, lease, now)
    return answer(booking_id, plan, result)


def answer(booking_id: str, plan: MoneyPlan, result: str) -> CheckedOut:
    """What the student is told about an attempt. Raises CardRefused when the card said no, BookingCancelled when it was too late."""
    movement = Moves(plan).last(Kind.AUTHORIZE, Kind.CREATE_INTENT)
    if result == DECLINED and movement is not None:
        raise card_refusal(movement)
    if result == "cancelled":
        raise BookingCancelled()
    if result == PENDING_ACTION and movement is not None:
        return CheckedOut(fresh(booking_id), True, movement.result["client_secret"])
    return CheckedOut(fresh(booking_id))


def _first_answer(
    booking_id: str, actor: Actor, payment_method_id: str | None, lease: Lease, now: datetime
) -> CheckedOut | None:
    """The answer of an earlier checkout, when there was one that still stands."""
    booking = fresh(booking_id)
    payment = booking.payment
    if booking.status == BookingStatus.CANCELLED:
        raise BookingCancelled()
    if payment.status == PaymentStatus.MANUAL_REVIEW:
        raise UnderReview()
    if booking.status != BookingStatus.PENDING:
        return CheckedOut(booking)
    if payment.is_prepaid:
        raise PaidByPackage()
    last = payment.movements.filter(kind=Kind.AUTHORIZE).order_by("-id").first()
    if last is None or last.result.get("status") != PENDING_ACTION:
        return None
    status = take_note_of_hold(booking_id, actor=actor, lease=lease, now=now)
    if status == PENDING_ACTION and payment_method_id in (None, payment.payment_method_id):
        return CheckedOut(booking, True, last.result["client_secret"])
    return CheckedOut(fresh(booking_id)) if fresh(booking_id).status == BookingStatus.CONFIRMED else None


def _decide(
    booking_id: str, actor: Actor, payment_method: str, requested_credit_cents: int, lease: Lease, now: datetime
) -> MoneyPlan:
    try:
        with transaction.atomic():
            booking = lock_at_rest(booking_id)
            payment = booking.payment
            if booking.status != BookingStatus.PENDING or payment.status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
                raise BookingCancelled() if booking.status == BookingStatus.CANCELLED else UnderReview()
            if now >= booking.starts_at:
                raise LessonStarted()
            first_try = payment.auth_first_attempted_at
            if first_try and now >= first_try + holds.CHECKOUT_LIMIT:
                raise CheckoutExpired()
            if not booking.holds_slot:
                take_again(booking, now=now)
            _reserve_credits(payment, requested_credit_cents, now)
            payment.payment_method_id = payment_method
            payment.save()
            immediate = window_of(starts_at=booking.starts_at, now=now) is not Window.FREE
            return open_plan(
                payment=payment,
                booking_id=booking.pk,
                purpose=Purpose.CHECK_OUT,
                actor=actor,
                now=now,
                lease=lease,
                terms={"immediate": immediate},
                movements=_movements(payment, immediate, now),
            )
    except IntegrityError as error:
        raise BookingConflict() from error


def _movements(payment: Payment, immediate: bool, now: datetime) -> list[Movement]:
    if immediate:
        return new_hold(payment, off_session=False)
    return [] if payment.payment_intent_id else [Movement(Kind.CREATE_INTENT)]


def _reserve_credits(payment: Payment, requested_cents: int, now: datetime) -> None:
    """Reserve once, first-expiring-first, never more than the price (policy 8)."""
    if requested_cents < 0:
        raise Invalid("Credits cannot be negative.", errors={"requested_credit_cents": ["Must be 0 or more."]})
    if payment.credits_reserved_cents or payment.payment_intent_id or not requested_cents:
        return
    reservation = credit_lots.reserve(
        owner_id=payment.student_id,
        payment_id=payment.pk,
        up_to_cents=min(requested_cents, payment.lesson_price_cents),
        now=now,
    )
    book_credits(reservation.entries)
    payment.credits_reserved_cents = reservation.reserved_cents
    amounts = frozen_amounts(payment).with_credits(payment.credits_reserved_cents)
    payment.card_amount_cents = amounts.card_amount_cents
    payment.application_fee_cents = amounts.application_fee_cents
    payment.top_up_cents = amounts.top_up_cents


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    """Cancelled meanwhile: whatever was created or held is let go (policy 4.2)."""
    if booking.status != BookingStatus.CANCELLED:
        return hold_again(plan, booking.payment)
    if Moves(plan).last(Kind.CANCEL_INTENT):
        return []
    return [Movement(Kind.CANCEL_INTENT)] if booking.payment.payment_intent_id else []


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    if booking.status == BookingStatus.CANCELLED:
        return "cancelled"
    if plan.terms["immediate"]:
        return conclude_hold(plan, booking, now)
    created = Moves(plan).last(Kind.CREATE_INTENT)
    if created is not None and created.status == REFUSED:
        return conclude_hold(plan, booking, now)
    return _scheduled(plan, booking, now)


def _scheduled(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    """Card saved, hold later: the booking stands (policy 4.2)."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    payment.schedule()
    confirm_times(booking)
    payment.save()
    booking.confirm()
    booking.confirmed_at = now
    booking.save()
    note(
        booking,
        "booking_confirmed",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        amounts={
            "card_amount_cents": payment.card_amount_cents,
            "credits_reserved_cents": payment.credits_reserved_cents,
        },
    )
    return "scheduled"


tells(Purpose.CHECK_OUT, follow_up=_follow_up, conclude=_conclude)
