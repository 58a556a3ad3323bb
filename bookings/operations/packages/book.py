"""Book a lesson with a package: no charge, the entitlement is taken and the lesson stands at once (policy 12)."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.holds import refuse_if_held
from accounts.models import User
from bookings.models import Booking
from bookings.operations._errors import BookingConflict
from bookings.operations._story import fresh, only
from bookings.operations.book import Booked, service_of, starting
from catalog.local_time import zone_of
from catalog.services import check_offered
from common.actors import Actor, Role
from common.problems import Invalid
from packages import entitlements

from ._drafts import Where, confirm_draft, write_draft
from ._whole import find_package, one_package_at_a_time


def book_with_package(
    *,
    package_id: str,
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
    """Book the next lesson of a package; it is CONFIRMED and paid beforehand. The same `request_key` books once.

    Raises NotFound, Invalid (not the package's service or length), NothingLeft, AfterExpiry, BookingConflict,
    OperationInProgress, and the refusals of account holds and of the catalog.
    """
    only(actor, Role.STUDENT)
    student = User.objects.get(pk=actor.id)
    package = find_package(package_id, actor)
    booking = _booked_before(student, request_key)
    if booking is None:
        refuse_if_held(student)
        service = service_of(service_id)
        if (service.pk, duration_minutes) != (package.service_id, package.duration_minutes):
            raise Invalid(
                f"This package is for lessons of {package.duration_minutes} minutes of its own service.",
                errors={"package_id": ["For another service or another length."]},
            )
        start = starting(service, starts_at=starts_at, local_start=local_start, timezone=timezone)
        if timezone:
            zone_of(timezone)
        address = check_offered(
            service=service, duration_minutes=duration_minutes, modality=location_type, address=address
        )
        where = Where(timezone or service.instructor.user.timezone, location_type, address, note)
        booking = _write(package_id, student, start, where, actor, now, request_key)
    return Booked(fresh(booking.pk), "")


def _booked_before(student: User, request_key: str | None) -> Booking | None:
    return Booking.objects.filter(student=student, request_key=request_key).first() if request_key else None


def _write(
    package_id: str, student: User, start: datetime, where: Where, actor: Actor, now: datetime, request_key: str | None
) -> Booking:
    with one_package_at_a_time(package_id, now):
        try:
            with transaction.atomic():
                package = entitlements.lock_package(package_id)
                lesson = entitlements.take(package, starts_at=start, now=now)
                booking = write_draft(package, lesson, start, where, actor=actor, now=now, request_key=request_key)
                confirm_draft(booking, actor=actor, now=now)
        except IntegrityError as error:
            before = _booked_before(student, request_key)
            if before is None:
                raise BookingConflict() from error
            return before
    return booking
