"""What a student asks for when buying by the price list, checked: the price at Stripe, the service, times and place."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.holds import refuse_if_held
from accounts.models import User
from bookings.operations._errors import InstructorNotPayable
from bookings.operations.book import service_of, starting
from bookings.policy.pricing import refuse_below_floor
from catalog.local_time import zone_of
from catalog.models import Modality, Service
from catalog.services import check_offered
from common.money import split
from common.problems import Invalid, PermissionDenied
from packages.models import PackageProduct
from packages.price_list import Offer, offer_for
from payments.models import ConnectAccount

from ._drafts import Where


@dataclass(frozen=True, slots=True)
class Asked:
    """A purchase that nothing of the rules stands against, so far as can be told before anything is written."""

    student: User
    service: Service
    offer: Offer
    product: PackageProduct
    starts: list[datetime]
    where: Where


def check_asked(
    *,
    student: User,
    price_id: str,
    service_id: str,
    starts_at: datetime | None,
    local_start: datetime | None,
    timezone: str | None,
    ends_at: datetime | None,
    more_starts_at: list[datetime],
    location_type: str,
    address: str,
    note: str,
    now: datetime,
) -> Asked:
    """Read the price from Stripe and check everything but the times, which are checked when they are taken.

    Raises NotFound, Invalid, PriceNotForSale, PriceNotForThisService, the refusals of account holds, the catalog and the price
    floor, InstructorNotPayable, StripeUnavailable.
    """
    refuse_if_held(student)
    service = service_of(service_id)
    instructor = service.instructor.user
    if instructor.pk == student.pk:
        raise PermissionDenied("You cannot book your own lesson.")
    offer, product = offer_for(price_id=price_id, service=service)
    first = starting(service, starts_at=starts_at, local_start=local_start, timezone=timezone)
    if timezone:
        zone_of(timezone)
    length = timedelta(minutes=offer.duration_minutes)
    if ends_at is not None and ends_at != first + length:
        raise Invalid(
            f"A lesson of this price lasts {offer.duration_minutes} minutes.",
            errors={"ends_at": [f"Must be {(first + length).isoformat()}, or absent."]},
        )
    starts = [first, *more_starts_at]
    if len(starts) > offer.lesson_count or len(set(starts)) < len(starts):
        raise Invalid(
            f"This price is for {offer.lesson_count} lessons, each at a time of its own.",
            errors={"more_starts_at": [f"At most {offer.lesson_count - 1}, all different."]},
        )
    address = check_offered(
        service=service, duration_minutes=offer.duration_minutes, modality=location_type, address=address
    )
    refuse_below_floor(
        lesson_price_cents=min(split(offer.amount_cents, [1] * offer.lesson_count)),
        minutes=offer.duration_minutes,
        online=location_type == Modality.ONLINE,
    )
    account = ConnectAccount.objects.filter(instructor=instructor).first()
    if account is None or not account.charges_enabled:
        raise InstructorNotPayable()
    return Asked(
        student=student,
        service=service,
        offer=offer,
        product=product,
        starts=starts,
        where=Where(timezone or instructor.timezone, location_type, address, note),
    )
