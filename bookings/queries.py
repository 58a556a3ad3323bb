"""What pages, API and admin read of bookings: everything a booking document needs, in a constant number of queries."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User
from bookings.models import Booking, BookingEvent, NoShowReport
from bookings.policy.pricing import Amounts
from bookings.state_machine import BookingStatus
from catalog.booking_rules import TRAVELS_TO, Lesson
from common.actors import Role
from common.clock import DAY
from common.problems import NotFound
from credits.models import CreditLot
from credits.queries import available_cents
from payments.models import Payment

STANDING = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


def bookings_seen_by(user: User) -> QuerySet[Booking]:
    """The bookings somebody may see, whole: their own lessons; for support, everybody's."""
    bookings = whole(Booking.objects.all())
    match user.role:
        case Role.STUDENT:
            return bookings.filter(student=user)
        case Role.INSTRUCTOR:
            return bookings.filter(instructor=user)
    return bookings if user.role == Role.STAFF else bookings.none()


def booking_seen_by(user: User, booking_id: str) -> Booking:
    """One booking, whole. Raises NotFound: somebody else's booking is not there."""
    booking = bookings_seen_by(user).filter(id=booking_id).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    return booking


def whole(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    """With people, service, money, the reschedule chain's neighbours, no-shows and disputes: three queries in all."""
    return bookings.select_related(
        "payment__entitlement", "student", "instructor", "service", "rescheduled_to", "completion_dispute"
    ).prefetch_related(
        Prefetch("no_show_reports", NoShowReport.objects.order_by("reported_at", "id")),
        "payment__chargebacks",
    )


def narrowed(
    bookings: QuerySet[Booking],
    *,
    now: datetime,
    status: str | None = None,
    payment_status: str | None = None,
    is_upcoming: bool = False,
    is_past: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    instructor: str | None = None,
    student: str | None = None,
) -> QuerySet[Booking]:
    """Bookings with a status, still to come, over, starting within [since, until), of a person (by id)."""
    said = {"starts_at__gte": since, "starts_at__lt": until, "instructor": instructor, "student": student}
    wanted: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if status:
        wanted["status"] = status
    if payment_status:
        wanted["payment__status"] = payment_status
    if is_past:
        wanted["ends_at__lte"] = now
    bookings = bookings.filter(**wanted)
    return upcoming(bookings, now=now) if is_upcoming else bookings


def upcoming(bookings: QuerySet[Booking], *, now: datetime) -> QuerySet[Booking]:
    """Lessons that stand and have not ended."""
    return bookings.filter(status__in=STANDING, ends_at__gt=now)


def to_complete(bookings: QuerySet[Booking], *, now: datetime) -> QuerySet[Booking]:
    """Lessons that have ended and that nobody has said took place."""
    return bookings.filter(status=BookingStatus.CONFIRMED, ends_at__lte=now)


def completed(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    return bookings.filter(status=BookingStatus.COMPLETED)


def lessons_between(*people: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """When any of these people, as student or instructor, has a lesson that holds its slot within [since, until)."""
    taken = Booking.objects.filter(holds_slot=True, starts_at__lt=until, ends_at__gt=since)
    theirs = taken.filter(Q(student__in=people) | Q(instructor__in=people))
    return list(theirs.order_by("starts_at").values_list("starts_at", "ends_at"))


def lessons_around(
    instructor_id: str, *, since: datetime, until: datetime, besides_payment: str | None = None
) -> list[Lesson]:
    """The lessons that an instructor has from a day before `since` to a day after `until`, for the rules about times.

    `besides_payment` leaves out the lesson that is being moved. One query.
    """
    taken = Booking.objects.filter(holds_slot=True, instructor=instructor_id)
    taken = taken.filter(starts_at__lt=until + DAY, ends_at__gt=since - DAY).exclude(payment=besides_payment)
    rows = taken.order_by("starts_at").values_list("starts_at", "ends_at", "location_type")
    return [Lesson(starts_at, ends_at, place in TRAVELS_TO) for starts_at, ends_at, place in rows]


def reserved_lots(payment_id: str) -> QuerySet[CreditLot]:
    """The credits reserved for a payment, latest-expiring first: the order in which they come back (policy 5)."""
    lots = CreditLot.objects.filter(reserved_for=payment_id, status=CreditLot.Status.RESERVED)
    return lots.order_by("-expires_at", "-created_at", "-id")


def timeline_of(booking: Booking) -> QuerySet[BookingEvent]:
    """What happened to a lesson, oldest first, through all the bookings it was before."""
    ids, earlier = [booking.id], booking.rescheduled_from_id
    while earlier and earlier not in ids:
        ids.append(earlier)
        earlier = Booking.objects.values_list("rescheduled_from_id", flat=True).get(id=earlier)
    return BookingEvent.objects.filter(booking__in=ids).order_by("at", "id")


def frozen_amounts(payment: Payment) -> Amounts:
    """What a payment was quoted, as plain values; a later change of rates does not touch it (policy 1)."""
    return Amounts(
        lesson_price_cents=payment.lesson_price_cents,
        student_fee_cents=payment.student_fee_cents,
        commission_bps=payment.commission_bps,
        instructor_commission_cents=payment.instructor_commission_cents,
        payout_full_cents=payment.instructor_payout_full_cents,
        credits_cents=payment.credits_reserved_cents,
        card_amount_cents=payment.card_amount_cents,
        application_fee_cents=payment.application_fee_cents,
        top_up_cents=payment.top_up_cents,
    )


def price_of(booking: Booking, *, requested_credit_cents: int, now: datetime) -> Amounts:
    """The frozen price; while the booking waits for its checkout, with as much credit as asked for and available."""
    payment, amounts = booking.payment, frozen_amounts(booking.payment)
    if (
        booking.status != BookingStatus.PENDING
        or payment.is_prepaid
        or payment.credits_reserved_cents
        or payment.payment_intent_id
    ):
        return amounts
    available = available_cents(user_id=booking.student_id, now=now)
    return amounts.with_credits(min(requested_credit_cents, available, amounts.lesson_price_cents))
