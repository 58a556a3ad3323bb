"""Lessons of a package as bookings: written with a prepaid payment, confirmed when their package is paid."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings.models import Booking
from bookings.operations._history import actor_of, note
from bookings.operations._holds import confirm_times
from bookings.operations._times import secure_time
from bookings.policy.pricing import quote_of_price
from bookings.state_machine import BookingStatus
from common.actors import Actor
from packages.models import Entitlement, Package
from payments.models import ConnectAccount, MoneyPlan, Payment


@dataclass(frozen=True, slots=True)
class Where:
    """Where a lesson takes place, and what the student says about it."""

    timezone: str
    location_type: str
    address: str = ""
    note: str = ""


def write_draft(
    package: Package,
    entitlement: Entitlement,
    starts_at: datetime,
    where: Where,
    *,
    actor: Actor,
    now: datetime,
    holds_slot: bool = True,
    request_key: str | None = None,
) -> Booking:
    """A PENDING booking of one lesson of a package, with its prepaid payment.

    Raises BookingConflict or IntegrityError when the time is taken, and the catalog's refusals of a time. Must run inside a
    transaction.
    """
    if holds_slot:
        secure_time(
            instructor_id=package.instructor_id,
            location_type=where.location_type,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=package.duration_minutes),
            now=now,
        )
    account = ConnectAccount.objects.filter(instructor=package.instructor_id).first()
    amounts = quote_of_price(lesson_price_cents=entitlement.price_cents, commission_bps=package.commission_bps)
    payment = Payment.objects.create(
        student_id=package.student_id,
        instructor_id=package.instructor_id,
        created_at=now,
        lesson_price_cents=amounts.lesson_price_cents,
        student_fee_cents=0,
        commission_bps=amounts.commission_bps,
        instructor_commission_cents=amounts.instructor_commission_cents,
        instructor_payout_full_cents=amounts.payout_full_cents,
        prepaid_cents=entitlement.price_cents,
        entitlement=entitlement,
        card_amount_cents=0,
        application_fee_cents=0,
        top_up_cents=amounts.payout_full_cents,
        destination_account_id=(account.stripe_account_id if account else "") or "",
    )
    booking: Booking = Booking.objects.create(
        student_id=package.student_id,
        instructor_id=package.instructor_id,
        service_id=package.service_id,
        payment=payment,
        request_key=request_key,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=package.duration_minutes),
        timezone=where.timezone,
        duration_minutes=package.duration_minutes,
        location_type=where.location_type,
        address=where.address,
        note=where.note,
        holds_slot=holds_slot,
        created_at=now,
    )
    payment.stripe_metadata = metadata_of(package, booking)
    payment.save(update_fields=["stripe_metadata"])
    note(booking, "booking_created", actor=actor, now=now, details={"package": package.pk})
    return booking


def metadata_of(package: Package, booking: Booking | None) -> dict[str, str]:
    """What our objects at Stripe say of a package or of a lesson of it."""
    return stripe_metadata(
        student_id=package.student_id,
        teacher_id=package.instructor_id,
        service_type=package.product.service_type,
        product_id=package.product.stripe_product_id,
        price_id=package.price_id,
        session_id=package.pk,
        source=package.source,
        booking=booking,
        asked=package.asked,
    )


def stripe_metadata(
    *,
    student_id: str,
    teacher_id: str,
    service_type: str,
    product_id: str,
    price_id: str,
    session_id: str,
    source: str,
    booking: Booking | None,
    asked: dict[str, str] | None = None,
) -> dict[str, str]:
    """The twelve keys that everything sold by the price list carries at Stripe, which takes 500 characters for each and keeps no
    empty ones: what there is nothing of is `-`."""
    asked = asked or {}
    values = {
        "student_id": student_id,
        "user_id": student_id,
        "service_type": service_type,
        "teacher_id": teacher_id,
        "start_at": booking.starts_at.isoformat() if booking else asked.get("starts_at", ""),
        "end_at": booking.ends_at.isoformat() if booking else asked.get("ends_at", ""),
        "product_id": product_id,
        "price_id": price_id,
        "session_id": session_id,
        "booking_id": booking.pk if booking else "",
        "notes": (booking.note if booking else asked.get("note", ""))[:500],
        "source": source,
    }
    return {name: value or "-" for name, value in values.items()}


def confirm_draft(booking: Booking, *, actor: Actor, now: datetime, plan: MoneyPlan | None = None) -> None:
    """The package is paid: the lesson stands, and the platform holds its money as after a LOCK."""
    payment, before = booking.payment, (booking.status, booking.payment.status)
    payment.prepay()
    payment.locked_at, payment.locked_amount_cents = now, payment.prepaid_cents
    confirm_times(booking)
    payment.save()
    if booking.status == BookingStatus.PENDING:
        booking.confirm()
        booking.confirmed_at = now
        booking.save()
    note(
        booking,
        "booking_confirmed",
        actor=actor_of(plan) if plan else actor,
        now=now,
        before=before,
        plan=plan,
        amounts={"prepaid_cents": payment.prepaid_cents},
    )
