"""The draft first: a package with its first lessons and its payment in one transaction, then the browser pays (policy 12)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from bookings.models import Booking
from bookings.operations._errors import BookingConflict
from bookings.operations._story import Moves, only, see_through, tells
from bookings.policy.packages import PAY_WITHIN
from common.actors import Actor, Role
from common.ids import new_id
from common.mutex import Lease, booking_mutex
from common.problems import StripeFailed
from packages import entitlements
from packages.models import Package
from payments import cards
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan

from . import single
from ._asking import Asked, check_asked
from ._drafts import metadata_of, write_draft
from ._giving_up import close_unpaid
from ._whole import Whole, fresh_package, give_drafts_up, lock_whole, one_package_at_a_time

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
WAITING = "awaiting_payment"


@dataclass(frozen=True, slots=True)
class Session:
    """A purchase that waits for the browser: with the secret it pays a package, or saves or holds a card for one lesson."""

    session_id: str
    package: Package | None
    bookings: list[Booking]
    amount_cents: int
    pay_by: datetime
    client_secret: str
    payment_intent_id: str = ""
    setup_intent_id: str = ""


def create_session(
    *,
    actor: Actor,
    price_id: str,
    service_id: str,
    starts_at: datetime | None,
    local_start: datetime | None = None,
    timezone: str | None = None,
    ends_at: datetime | None = None,
    more_starts_at: list[datetime] | None = None,
    location_type: str,
    address: str = "",
    note: str = "",
    now: datetime,
    request_key: str | None = None,
) -> Session:
    """Buy by the price list: the times are held while the student pays. The same `request_key` buys once.

    A price for one lesson is a booking on the ordinary policy; one for more is a package, charged at once. Raises what
    `check_asked` does, BookingConflict, StripeFailed, StripeUnavailable.
    """
    only(actor, Role.STUDENT)
    student = User.objects.get(pk=actor.id)
    answered = answer_to(student, request_key, now)
    if answered is not None:
        return answered
    asked = check_asked(
        student=student, price_id=price_id, service_id=service_id, starts_at=starts_at, local_start=local_start,
        timezone=timezone, ends_at=ends_at, more_starts_at=more_starts_at or [], location_type=location_type,
        address=address, note=note, now=now,
    )  # fmt: skip
    cards.customer_of(student)
    if asked.offer.lesson_count == 1:
        return _session_of(single.open_session(asked, actor, now, request_key))
    return buy(asked, actor, now, request_key, source=Package.Source.SESSION)


def answer_to(student: User, request_key: str | None, now: datetime) -> Session | None:
    """The answer that this very request got before, with what a crash interrupted carried on."""
    bought = _bought_by(student, request_key)
    if bought is not None:
        return _answer_again(bought, now)
    booking = single.booked_by(student, request_key)
    return _session_of(single.answer_again(booking, now)) if booking else None


def _bought_by(student: User, request_key: str | None) -> Package | None:
    return Package.objects.filter(student=student, request_key=request_key).first() if request_key else None


def _session_of(opened: single.Opened) -> Session:
    booking = opened.booking
    return Session(
        session_id=booking.payment_id,
        package=None,
        bookings=[booking],
        amount_cents=booking.payment.card_amount_cents,
        pay_by=booking.created_at + PAY_WITHIN,
        client_secret=opened.client_secret,
        payment_intent_id=booking.payment.payment_intent_id,
        setup_intent_id=opened.setup_intent_id,
    )


def buy(asked: Asked, actor: Actor, now: datetime, request_key: str | None, *, source: Package.Source) -> Session:
    """Write the purchase, then ask Stripe for its intent. Raises BookingConflict, StripeFailed or StripeUnavailable."""
    package_id = new_id()
    with booking_mutex(package_id) as lease:
        try:
            with transaction.atomic():
                plan = _write(package_id, asked, actor, lease, now, request_key, source)
        except IntegrityError as error:
            answered = answer_to(asked.student, request_key, now)
            if answered is None:
                raise BookingConflict() from error
            return answered
        see_through(plan, lease, now)
    return _answer(package_id)


def _write(
    package_id: str, asked: Asked, actor: Actor, lease: Lease, now: datetime, request_key: str | None,
    source: Package.Source,
) -> MoneyPlan:  # fmt: skip
    offer, instructor = asked.offer, asked.service.instructor
    payment = Payment.objects.create(
        kind=Payment.Kind.PACKAGE,
        student=asked.student,
        instructor=instructor.user,
        created_at=now,
        lesson_price_cents=offer.amount_cents,
        student_fee_cents=0,
        commission_bps=0,  # the commission is on its lessons, one by one
        instructor_commission_cents=0,
        instructor_payout_full_cents=offer.amount_cents,
        card_amount_cents=offer.amount_cents,
        application_fee_cents=0,
        top_up_cents=0,
    )
    package = Package.objects.create(
        id=package_id,
        student=asked.student,
        instructor=instructor.user,
        service=asked.service,
        product=asked.product,
        payment=payment,
        source=source,
        request_key=request_key,
        asked=_as_plain(asked),
        price_id=offer.price_id,
        price_cents=offer.amount_cents,
        lesson_count=offer.lesson_count,
        duration_minutes=offer.duration_minutes,
        commission_bps=instructor.commission_bps,
        created_at=now,
        pay_by=now + PAY_WITHIN,
    )
    lessons = entitlements.create(package)
    if source == Package.Source.SESSION:
        drafts = [
            write_draft(package, lesson, start, asked.where, actor=actor, now=now)
            for lesson, start in zip(lessons, asked.starts, strict=False)
        ]
        package.first_booking = drafts[0]
        package.save(update_fields=["first_booking"])
    payment.stripe_metadata = metadata_of(package, package.first_booking)
    payment.save(update_fields=["stripe_metadata"])
    return open_plan(
        payment=payment,
        booking_id=package.pk,
        purpose=Purpose.BUY_PACKAGE,
        actor=actor,
        now=now,
        lease=lease,
        terms={"amount_cents": offer.amount_cents},
        movements=[Movement(Kind.CREATE_INTENT, offer.amount_cents)],
    )


def _as_plain(asked: Asked) -> dict[str, Any]:
    """The first lesson as it was asked for; who pays first has it booked from this."""
    ends_at = asked.starts[0] + timedelta(minutes=asked.offer.duration_minutes)
    return {
        "starts_at": asked.starts[0].isoformat(),
        "ends_at": ends_at.isoformat(),
        "timezone": asked.where.timezone,
        "location_type": asked.where.location_type,
        "address": asked.where.address,
        "note": asked.where.note,
    }


def _answer_again(package: Package, now: datetime) -> Session:
    """The first answer again, with what a crash interrupted carried on."""
    with one_package_at_a_time(package.pk, now):
        return _answer(package.pk)


def _answer(package_id: str) -> Session:
    package = fresh_package(package_id)
    made = package.payment.movements.filter(kind=Kind.CREATE_INTENT).order_by("id").last()
    if made is None or made.status != MoneyMovement.Status.DONE:
        raise StripeFailed(f"Stripe refused: {made.error_message if made else 'no intent'}")
    bookings = Booking.objects.filter(payment__entitlement__package=package).select_related("payment")
    return Session(
        session_id=package.pk,
        package=package,
        bookings=list(bookings.order_by("starts_at", "pk")),
        amount_cents=package.price_cents,
        pay_by=package.pay_by,
        client_secret=made.result["client_secret"],
        payment_intent_id=package.payment.payment_intent_id,
    )


def _conclude(plan: MoneyPlan, whole: Whole, now: datetime) -> str:
    """The browser can pay now; when Stripe refused the intent nobody ever can, and the times are free again."""
    if Moves(plan).refusal is None:
        return WAITING
    reason = "Stripe refused to prepare the payment."
    give_drafts_up(whole, actor=Actor(Role(plan.actor_role), plan.actor_id), reason=reason, now=now)
    close_unpaid(plan, whole, reason, now)
    return "refused"


tells(Purpose.BUY_PACKAGE, lock=lock_whole, conclude=_conclude)
