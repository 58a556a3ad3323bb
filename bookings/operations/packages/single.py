"""One lesson by the price list: a booking like any other, at Stripe's price, with the card dealt with in the browser (policy 12).

24 hours ahead or more the browser saves a card, and the checkout follows when Stripe says so. Nearer, it places the hold.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.models import Booking
from bookings.operations._conclusions import settle
from bookings.operations._history import actor_of, note
from bookings.operations._story import Moves, find_booking, fresh, lock_at_rest, one_at_a_time, see_through, tells
from bookings.operations.book import write_booking
from bookings.operations.check_out import check_out
from bookings.policy.pricing import quote_of_price
from bookings.policy.terms import UNPAID
from bookings.policy.windows import Window, window_of
from bookings.state_machine import BookingStatus
from common.actors import Actor, Door, Role
from common.mutex import Lease
from common.problems import CardRefused, StripeFailed
from packages.models import Package
from payments import cards
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan

from ._asking import Asked
from ._drafts import stripe_metadata

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
WAITING = "waiting_for_the_browser"


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft lesson, and the secret with which the browser saves or holds a card for it."""

    booking: Booking
    client_secret: str
    setup_intent_id: str = ""


def booked_by(student: User, request_key: str | None) -> Booking | None:
    return Booking.objects.filter(student=student, request_key=request_key).first() if request_key else None


def open_session(asked: Asked, actor: Actor, now: datetime, request_key: str | None) -> Opened:
    """Book the lesson at the price's amount and prepare what the browser does. Raises BookingConflict, StripeFailed,
    StripeUnavailable."""
    offer, service = asked.offer, asked.service
    amounts = quote_of_price(lesson_price_cents=offer.amount_cents, commission_bps=service.instructor.commission_bps)
    with transaction.atomic():
        booking = write_booking(
            asked.student, service, asked.starts[0], amounts, actor=actor, now=now, request_key=request_key,
            duration_minutes=offer.duration_minutes, location_type=asked.where.location_type,
            address=asked.where.address, lesson_note=asked.where.note, timezone=asked.where.timezone,
        )  # fmt: skip
        booking.payment.stripe_metadata = stripe_metadata(
            student_id=asked.student.pk,
            teacher_id=booking.instructor_id,
            service_type=asked.product.service_type,
            product_id=asked.product.stripe_product_id,
            price_id=offer.price_id,
            session_id=booking.payment_id,
            source=Package.Source.SESSION,
            booking=booking,
        )
        booking.payment.save(update_fields=["stripe_metadata"])
    return answer_again(booking, now)


def answer_again(booking: Booking, now: datetime) -> Opened:
    """What the browser needs for this draft: an intent to hold when the lesson is near, otherwise one to save a card."""
    if window_of(starts_at=booking.starts_at, now=now) is Window.FREE:
        setup = cards.start_saving_card(
            user=booking.student, booking_id=booking.pk, metadata=booking.payment.stripe_metadata
        )
        Payment.objects.filter(pk=booking.payment_id).update(setup_intent_id=setup.setup_intent_id)
        return Opened(fresh(booking.pk), setup.client_secret, setup.setup_intent_id)
    with one_at_a_time(booking.pk, now) as lease:
        plan = _decide(booking.pk, booking.student.as_actor(Door.API), lease, now)
        if plan is not None:
            see_through(plan, lease, now)
    made = booking.payment.movements.filter(kind=Kind.CREATE_INTENT).order_by("id").last()
    if made is None or made.status != MoneyMovement.Status.DONE:
        raise StripeFailed(f"Stripe refused: {made.error_message if made else 'no intent'}")
    return Opened(fresh(booking.pk), made.result["client_secret"])


def _decide(booking_id: str, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        if booking.status != BookingStatus.PENDING or booking.payment.payment_intent_id:
            return None
        return open_plan(
            payment=booking.payment,
            booking_id=booking.pk,
            purpose=Purpose.OPEN_SESSION,
            actor=actor,
            now=now,
            lease=lease,
            movements=[Movement(Kind.CREATE_INTENT, params={"save_card": True})],
        )


def finish_session(*, booking_id: str, student_id: str, payment_method_id: str, now: datetime) -> str:
    """The browser saved a card for a draft lesson: check it out with that card. `nothing` when it needs none any more.

    Raises OperationInProgress or StripeUnavailable.
    """
    actor = Actor(Role.STUDENT, student_id, Door.WEBHOOK)
    booking = find_booking(booking_id, actor)
    if booking.status != BookingStatus.PENDING or not booking.payment.stripe_metadata:
        return "nothing"
    try:
        check_out(booking_id=booking_id, actor=actor, payment_method_id=payment_method_id, now=now)
    except CardRefused as refusal:
        return refusal.code  # its time is given up, and the student has 30 minutes to pay another way (policy 4.2)
    return "checked_out"


def _let_go(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    """Cancelled meanwhile: the intent goes too."""
    done = any(m.kind == Kind.CANCEL_INTENT for m in Moves(plan).all)
    if booking.status != BookingStatus.CANCELLED or done or not booking.payment.payment_intent_id:
        return []
    return [Movement(Kind.CANCEL_INTENT)]


def _conclude(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    """The browser can place the hold now; when Stripe refused the intent nobody ever can, and the time is free again."""
    refusal = Moves(plan).refusal
    if booking.status == BookingStatus.CANCELLED:
        return "cancelled"
    if refusal is None:
        return WAITING
    before = (booking.status, booking.payment.status)
    booking.cancel()
    booking.holds_slot = False
    reason = "Stripe refused to prepare the payment."
    booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, Role.SYSTEM, reason
    booking.save()
    note(booking, "booking_expired", actor=actor_of(plan), now=now, before=before, reason=reason)
    settle(plan, booking, UNPAID, now, event="payment_released")
    return "refused"


tells(Purpose.OPEN_SESSION, follow_up=_let_go, conclude=_conclude)
