"""Book a lesson: quote it, freeze the amounts, hold the slot, start saving a card (policy 4.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts.holds import refuse_if_held
from accounts.models import User
from bookings.models import Booking, rates_at
from bookings.policy.pricing import Amounts, quote, refuse_below_floor
from catalog.local_time import resolve_local_start, zone_of
from catalog.models import Modality, Service
from catalog.services import check_offered
from common.actors import Actor, Role
from common.problems import Invalid, NotFound, PermissionDenied
from payments import cards
from payments.models import ConnectAccount, Payment

from ._errors import BookingConflict, InstructorNotPayable
from ._history import note
from ._story import fresh, only
from ._times import lock_diary, secure_time


@dataclass(frozen=True, slots=True)
class Booked:
    """A new booking, and the secret with which the browser saves a card for it."""

    booking: Booking
    setup_client_secret: str


def book_lesson(
    *,
    actor: Actor,
    service_id: str,
    starts_at: datetime | None,
    local_start: datetime | None = None,
    timezone: str | None = None,
    duration_minutes: int,
    location_type: str,
    address: str = "",
    note: str = "",
    now: datetime,
    request_key: str | None = None,
) -> Booked:
    """Book a lesson for the acting student. The same `request_key` books once.

    Raises NotFound, Invalid, the refusals of the catalog, of account holds and of the price floor, and BookingConflict.
    """
    only(actor, Role.STUDENT)
    student = User.objects.get(pk=actor.id)
    booking = _booked_by(student, request_key)
    if booking is None:
        refuse_if_held(student)
        service = service_of(service_id)
        start = starting(service, starts_at=starts_at, local_start=local_start, timezone=timezone)
        if timezone:
            zone_of(timezone)
        address = check_offered(
            service=service, duration_minutes=duration_minutes, modality=location_type, address=address
        )
        amounts = _amounts(service, duration_minutes, location_type, now)
        booking = write_booking(
            student, service, start, amounts, actor=actor, now=now, request_key=request_key,
            duration_minutes=duration_minutes, location_type=location_type, address=address, lesson_note=note,
            timezone=timezone or service.instructor.user.timezone,
        )  # fmt: skip
    setup = cards.start_saving_card(user=student, booking_id=booking.pk)
    Payment.objects.filter(pk=booking.payment_id).update(setup_intent_id=setup.setup_intent_id)
    return Booked(fresh(booking.pk), setup.client_secret)


def preview_price(
    *,
    actor: Actor,
    service_id: str,
    starts_at: datetime | None,
    local_start: datetime | None = None,
    timezone: str | None = None,
    duration_minutes: int,
    location_type: str,
    requested_credit_cents: int = 0,
    now: datetime,
) -> Amounts:
    """What a lesson would cost, with credits as far as they are there; nothing is written (policy 1)."""
    from credits.queries import available_cents

    service = service_of(service_id)
    starting(service, starts_at=starts_at, local_start=local_start, timezone=timezone)
    check_offered(service=service, duration_minutes=duration_minutes, modality=location_type, address="to be given")
    amounts = _amounts(service, duration_minutes, location_type, now)
    if actor.role is not Role.STUDENT or not requested_credit_cents:
        return amounts
    available = available_cents(user_id=actor.id, now=now)
    return amounts.with_credits(min(requested_credit_cents, available, amounts.lesson_price_cents))


def _booked_by(student: User, request_key: str | None) -> Booking | None:
    return Booking.objects.filter(student=student, request_key=request_key).first() if request_key else None


def service_of(service_id: str) -> Service:
    """The service, with its instructor. Raises NotFound."""
    service = Service.objects.select_related("instructor__user").filter(pk=service_id).first()
    if service is None or not service.instructor.user.is_active:
        raise NotFound("There is no such service.")
    return service


def starting(
    service: Service, *, starts_at: datetime | None, local_start: datetime | None, timezone: str | None
) -> datetime:
    """The instant a lesson starts, from an instant or from a local time and its zone. Raises Invalid or InvalidLocalTime."""
    if starts_at is not None:
        return starts_at
    if local_start is None or not timezone:
        raise Invalid(
            "Give starts_at, or local_start with timezone.", errors={"starts_at": ["This field is required."]}
        )
    return resolve_local_start(local_start, timezone)


def _amounts(service: Service, minutes: int, location_type: str, now: datetime) -> Amounts:
    rates = rates_at(now)
    amounts = quote(
        hourly_rate_cents=service.hourly_rate_cents,
        minutes=minutes,
        commission_bps=service.instructor.commission_bps,
        rates=rates,
    )
    refuse_below_floor(
        lesson_price_cents=amounts.lesson_price_cents,
        minutes=minutes,
        online=location_type == Modality.ONLINE,
        rates=rates,
    )
    return amounts


def write_booking(
    student: User,
    service: Service,
    start: datetime,
    amounts: Amounts,
    *,
    actor: Actor,
    now: datetime,
    request_key: str | None,
    duration_minutes: int,
    location_type: str,
    address: str,
    lesson_note: str,
    timezone: str,
) -> Booking:
    """A PENDING booking with its payment at these amounts. Raises PermissionDenied, InstructorNotPayable, BookingConflict."""
    instructor = service.instructor.user
    if instructor.pk == student.pk:
        raise PermissionDenied("You cannot book your own lesson.")
    account = ConnectAccount.objects.filter(instructor=instructor).first()
    if account is None or not account.charges_enabled:
        raise InstructorNotPayable()
    try:
        with transaction.atomic():
            lock_diary(instructor.pk)
            if existing := _booked_by(student, request_key):
                return existing  # the same request, while we waited
            secure_time(
                instructor_id=instructor.pk,
                location_type=location_type,
                starts_at=start,
                ends_at=start + timedelta(minutes=duration_minutes),
                now=now,
            )
            payment = Payment.objects.create(
                student=student,
                instructor=instructor,
                created_at=now,
                lesson_price_cents=amounts.lesson_price_cents,
                student_fee_cents=amounts.student_fee_cents,
                commission_bps=amounts.commission_bps,
                instructor_commission_cents=amounts.instructor_commission_cents,
                instructor_payout_full_cents=amounts.payout_full_cents,
                card_amount_cents=amounts.card_amount_cents,
                application_fee_cents=amounts.application_fee_cents,
                top_up_cents=amounts.top_up_cents,
                destination_account_id=account.stripe_account_id or "",
            )
            booking: Booking = Booking.objects.create(
                student=student,
                instructor=instructor,
                service=service,
                payment=payment,
                request_key=request_key,
                starts_at=start,
                ends_at=start + timedelta(minutes=duration_minutes),
                timezone=timezone,
                duration_minutes=duration_minutes,
                location_type=location_type,
                address=address,
                note=lesson_note,
                created_at=now,
            )
            note(
                booking,
                "booking_created",
                actor=actor,
                now=now,
                amounts={"card_amount_cents": amounts.card_amount_cents},
            )
    except IntegrityError as error:
        existing = _booked_by(student, request_key)
        if existing is not None:
            return existing
        raise BookingConflict() from error
    return booking
