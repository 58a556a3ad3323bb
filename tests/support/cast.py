"""One small cast for every story, and what one wants to know of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import User
from bookings.models import Booking, MailLog
from bookings.operations import CheckedOut, book_lesson, check_out
from catalog.booking_rules import next_quarter
from common import clock
from common.actors import Actor, Door, Role
from common.ids import new_id
from payments.funding import fund_platform
from sandbox_mode.people import Person, make_person

HOUR = timedelta(hours=1)


def soon(hours: float) -> datetime:
    """The first quarter hour at least a minute later than so many hours from now."""
    return next_quarter(clock.now() + timedelta(hours=hours, minutes=1))


@dataclass
class Cast:
    """A student with a good card, an instructor ready to be paid, somebody of staff."""

    student: Person
    instructor: Person
    staff: Person

    @property
    def as_student(self) -> Actor:
        return self.student.user.as_actor(Door.API)

    @property
    def as_instructor(self) -> Actor:
        return self.instructor.user.as_actor(Door.API)

    @property
    def as_staff(self) -> Actor:
        return self.staff.user.as_actor(Door.ADMIN)

    def book(self, starts_at: datetime, *, now: datetime, minutes: int = 60, service: int = 0) -> Booking:
        """A PENDING booking of the instructor's service."""
        return book_lesson(
            actor=self.as_student,
            service_id=self.instructor.services[service].pk,
            starts_at=starts_at,
            duration_minutes=minutes,
            location_type="online",
            now=now,
        ).booking

    def check_out(self, booking: Booking, *, now: datetime, credits: int = 0, card: str | None = None) -> CheckedOut:
        return check_out(
            booking_id=booking.pk,
            actor=self.as_student,
            payment_method_id=card,
            requested_credit_cents=credits,
            now=now,
        )

    def lesson(self, starts_at: datetime, *, now: datetime, credits: int = 0, card: str | None = None) -> Booking:
        """A booked and checked-out lesson."""
        booking = self.book(starts_at, now=now)
        return self.check_out(booking, now=now, credits=credits, card=card).booking


def make_cast(now: datetime, **instructor: Any) -> Cast:
    """The cast, on a platform with a float of its own."""
    fund_platform(amount_cents=10_000_000, payment_method="pm_card_bypassPending", now=now, key=f"float:{new_id()}")
    return Cast(
        student=make_person(role=Role.STUDENT, now=now, card="pm_card_visa"),
        instructor=make_person(role=Role.INSTRUCTOR, now=now, **{"commission_bps": 1200, **instructor}),
        staff=make_person(role=Role.STAFF, now=now),
    )


def mails_to(user: User) -> list[str]:
    """The kinds of mail somebody was sent, in order."""
    return list(MailLog.objects.filter(recipient=user).order_by("created_at", "id").values_list("kind", flat=True))


UTC_NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def job_actor() -> Actor:
    """The system acting by a job."""
    return Actor(Role.SYSTEM, "story", Door.JOB)


def money_of(booking: Booking) -> dict[str, Any]:
    """The money of a lesson as the database now has it, and where everything stands."""
    booking = Booking.objects.select_related("payment").get(pk=booking.pk)
    p = booking.payment
    return {
        "booking": booking.status,
        "payment": p.status,
        "outcome": p.settlement_outcome,
        "charged": p.card_charged_cents,
        "refunded": p.refunded_to_card_cents,
        "credit": p.student_credit_cents,
        "payout": p.instructor_payout_cents,
        "released": p.credits_released_cents,
        "issued": p.credits_issued_cents,
        "forfeited": p.credits_forfeited_cents,
        "consumed": p.credits_consumed_cents,
    }


NOTHING = {
    "outcome": "",
    "charged": 0,
    "refunded": 0,
    "credit": 0,
    "payout": 0,
    "released": 0,
    "issued": 0,
    "forfeited": 0,
    "consumed": 0,
}
