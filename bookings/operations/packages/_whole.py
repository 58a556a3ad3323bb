"""A package with everything a decision about it touches, locked in the one order: bookings, their payments, package, its payment."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from bookings.models import Booking
from bookings.operations._conclusions import settle
from bookings.operations._history import note
from bookings.operations._story import see_through
from bookings.policy.terms import UNPAID
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease, booking_mutex
from common.problems import NotFound, OperationInProgress
from packages.entitlements import lock_package
from packages.models import Package
from payments.models import MoneyPlan, Payment
from payments.settlement import unfinished_plan_of
from payments.vocabulary import PaymentStatus


@dataclass(slots=True)
class Whole:
    """A locked package: `drafts` are its lessons that wait for its payment; its story is told in `told`, its first booking."""

    package: Package
    drafts: list[Booking]
    told: Booking | None

    @property
    def payment(self) -> Payment:
        return self.package.payment

    def note(self, kind: str, *, actor: Actor, now: datetime, **about: Any) -> None:
        """Tell something in the package's story."""
        if self.told is not None:
            note(self.told, kind, actor=actor, now=now, **about)


def lock_whole(package_id: str) -> Whole:
    """The package and all that hangs on it, locked and read fresh. Must run inside a transaction. Raises NotFound."""
    told = Package.objects.filter(pk=package_id).values("first_booking")
    waiting = Q(payment__entitlement__package=package_id, payment__status=PaymentStatus.PAYMENT_METHOD_REQUIRED)
    rows = Booking.objects.filter(waiting | Q(pk__in=told)).order_by("pk")
    bookings = list(Booking.objects.select_for_update().filter(pk__in=rows.values("pk")).order_by("pk"))
    for booking in bookings:
        booking.payment = Payment.objects.select_for_update().get(pk=booking.payment_id)
    package = lock_package(package_id)
    drafts = [b for b in bookings if b.payment.is_prepaid and b.payment.status == "payment_method_required"]
    return Whole(package, drafts, next((b for b in bookings if b.pk == package.first_booking_id), None))


def lock_whole_at_rest(package_id: str) -> Whole:
    """`lock_whole` for a new decision. Raises OperationInProgress when one about its payment is under way."""
    whole = lock_whole(package_id)
    if unfinished_plan_of(whole.payment) is not None:
        raise OperationInProgress()
    return whole


@contextmanager
def one_package_at_a_time(package_id: str, now: datetime) -> Iterator[Lease]:
    """Hold the package's mutex, with every earlier decision about its money concluded first (policy 9).

    Raises OperationInProgress or StripeUnavailable.
    """
    with booking_mutex(package_id) as lease:
        plan = MoneyPlan.objects.filter(payment__package=package_id, finished_at=None).first()
        if plan is not None:
            see_through(plan, lease, now)
        yield lease


def find_package(package_id: str, actor: Actor) -> Package:
    """The package, for its student and for support. Raises NotFound: somebody else's is not there."""
    package = Package.objects.select_related("payment", "student").filter(pk=package_id).first()
    if package is None or (actor.role is Role.STUDENT and package.student_id != actor.id):
        raise NotFound("There is no such package.")
    return package


def fresh_package(package_id: str) -> Package:
    """The package as it now stands. Raises NotFound."""
    whole = Package.objects.select_related("payment", "student", "instructor", "service", "product")
    package = whole.filter(pk=package_id).first()
    if package is None:
        raise NotFound("There is no such package.")
    return package


def give_drafts_up(whole: Whole, *, actor: Actor, reason: str, now: datetime) -> None:
    """The times of a package's drafts are free from here on; their payments end with the plan that decides it."""
    for booking in whole.drafts:
        if booking.status != BookingStatus.PENDING:
            continue
        before = (booking.status, booking.payment.status)
        booking.cancel()
        booking.holds_slot = False
        booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, Role.SYSTEM, reason[:500]
        booking.save()
        note(booking, "booking_expired", actor=actor, now=now, before=before, reason=reason)


def settle_drafts(plan: MoneyPlan, whole: Whole, now: datetime) -> None:
    """The payments of drafts that were given up: nothing was charged for them. A draft with a plan of its own ends by that."""
    for booking in whole.drafts:
        if booking.status == BookingStatus.CANCELLED and unfinished_plan_of(booking.payment) is None:
            settle(plan, booking, UNPAID, now, event="payment_released")
