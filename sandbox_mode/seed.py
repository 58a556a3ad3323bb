"""What a fresh sandbox starts with: people one can be, and lessons in every state of their life."""

from datetime import datetime, timedelta

from accounts.models import User
from bookings.models import Booking
from bookings.operations import (
    book_lesson,
    cancel_booking,
    capture_lesson,
    check_out,
    complete_lesson,
    place_hold,
    report_no_show,
)
from bookings.queries import lessons_around, lessons_between
from catalog.availability import free_slots
from common.actors import Door, Role, job
from payments.funding import fund_platform

from .people import Person, make_person
from .price_list import open_price_list

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FLOAT_CENTS = 5_000_000  # explicit payouts draw on the platform's available balance


def fill(now: datetime) -> dict[str, int]:
    """Fund the platform, make the people, and let some lessons happen. Returns how many of each."""
    fund_platform(amount_cents=FLOAT_CENTS, payment_method="pm_card_bypassPending", now=now, key="float:seed")
    people = _people(now)
    lessons = _lessons(people, now)
    products = open_price_list({"piano": people["instructor"], "spanish": people["ravi"]})
    return {"people": len(people), "lessons": len(lessons), "products": len(products)}


def book_another(now: datetime) -> Booking:
    """The demo student books the demo instructor once more, at the first free time from two days ahead.

    Raises User.DoesNotExist without them, and what booking and checking out refuse.
    """
    student, teacher = (User.objects.get(email=f"{who}@example.com") for who in ("student", "instructor"))
    service = teacher.instructor_profile.services.order_by("pk")[0]
    me = student.as_actor(Door.PAGE)
    since = now.replace(minute=0, second=0, microsecond=0) + 2 * DAY + HOUR
    starts_at = _first_free(student, teacher, since=since, now=now)
    booking = book_lesson(
        actor=me, service_id=service.pk, starts_at=starts_at, duration_minutes=60, location_type="online", now=now
    ).booking
    return check_out(booking_id=booking.pk, actor=me, now=now).booking


def _first_free(student: User, teacher: User, *, since: datetime, now: datetime) -> datetime:
    """When both are free for an hour, within a week."""
    until = since + 7 * DAY
    lessons = lessons_around(teacher.pk, since=since, until=until)
    mine = lessons_between(student.pk, since=since, until=until + HOUR)
    slots = free_slots(
        instructor=teacher.instructor_profile,
        location_type="online",
        since=since,
        until=until,
        duration_minutes=60,
        lessons=lessons,
        now=now,
    )
    return next(at for at in slots if all(at + HOUR <= start or end <= at for start, end in mine))


def _people(now: datetime) -> dict[str, Person]:
    return {
        "student": make_person(
            role=Role.STUDENT,
            now=now,
            email="student@example.com",
            first_name="Stella",
            last_name="Marsh",
            card="pm_card_visa",
            credits=[{"amount_cents": 2000, "expires_at": now + 60 * DAY}, {"amount_cents": 3000}],
        ),
        "instructor": make_person(
            role=Role.INSTRUCTOR,
            now=now,
            email="instructor@example.com",
            first_name="Ines",
            last_name="Okafor",
            commission_bps=1200,
            services=[
                {"name": "Piano", "hourly_rate_cents": 12000},
                {"name": "Music theory", "hourly_rate_cents": 9000, "modalities": ["online"]},
            ],
        ),
        "staff": make_person(
            role=Role.STAFF,
            now=now,
            email="staff@example.com",
            first_name="Sol",
            last_name="Rivera",
            superuser=True,
        ),
        "theo": make_person(
            role=Role.STUDENT,
            now=now,
            email="theo@example.com",
            first_name="Theo",
            last_name="Lindqvist",
            timezone="America/Los_Angeles",
            card="pm_card_mastercard",
        ),
        "mira": make_person(
            role=Role.STUDENT,
            now=now,
            email="mira@example.com",
            first_name="Mira",
            last_name="Castellanos",
            timezone="America/Chicago",
            card="pm_card_chargeCustomerFail",  # can be saved, is declined when charged
        ),
        "ravi": make_person(
            role=Role.INSTRUCTOR,
            now=now,
            email="ravi@example.com",
            first_name="Ravi",
            last_name="Banerjee",
            timezone="America/Los_Angeles",
            founding=True,
            services=[{"name": "Spanish", "hourly_rate_cents": 8400, "durations": [30, 60, 90]}],
        ),
        "lena": make_person(
            role=Role.INSTRUCTOR,
            now=now,
            email="lena@example.com",
            first_name="Lena",
            last_name="Hofmann",
            timezone="America/Chicago",
            services=[{"name": "Chess", "hourly_rate_cents": 10000, "durations": [60]}],
        ),
    }


def _lessons(people: dict[str, Person], now: datetime) -> list[Booking]:
    """Lessons of last week, told with the clock of then, and some that are still to come."""
    stella, theo, mira = people["student"], people["theo"], people["mira"]
    ines, ravi, lena = people["instructor"], people["ravi"], people["lena"]
    hour = now.replace(minute=0, second=0, microsecond=0)
    return [
        _taken(stella, ines, hour - 3 * DAY, credits=2000),
        _taken(theo, ravi, hour - 3 * DAY - 2 * HOUR),
        _cancelled_late(stella, ravi, hour - 2 * DAY),
        _missed(theo, lena, hour - 2 * HOUR, now),
        _booked(stella, ines, hour + 3 * DAY + 4 * HOUR, now=now),
        _booked(theo, lena, hour + 2 * DAY, now=now),
        _booked(stella, lena, hour + 20 * HOUR, now=now),
        _booked(mira, ines, hour + 30 * HOUR, now=now),
        _book(theo, ines, hour + 5 * DAY, now=now),
    ]


def _book(student: Person, instructor: Person, starts_at: datetime, *, now: datetime) -> Booking:
    """Booked, and not checked out."""
    return book_lesson(
        actor=student.user.as_actor(Door.COMMAND),
        service_id=instructor.services[0].pk,
        starts_at=starts_at,
        duration_minutes=60,
        location_type="online",
        now=now,
    ).booking


def _booked(student: Person, instructor: Person, starts_at: datetime, *, now: datetime, credits: int = 0) -> Booking:
    """Booked and checked out: the hold is placed now or later, as the policy says."""
    booking = _book(student, instructor, starts_at, now=now)
    actor = student.user.as_actor(Door.COMMAND)
    return check_out(booking_id=booking.pk, actor=actor, requested_credit_cents=credits, now=now).booking


def _held(student: Person, instructor: Person, starts_at: datetime, *, credits: int = 0) -> Booking:
    """Booked three days before, held the day before."""
    booking = _booked(student, instructor, starts_at, now=starts_at - 3 * DAY, credits=credits)
    place_hold(booking_id=booking.pk, actor=job("process_scheduled_authorizations"), now=starts_at - DAY)
    return booking


def _taken(student: Person, instructor: Person, starts_at: datetime, *, credits: int = 0) -> Booking:
    """A lesson that took place, was charged and paid out."""
    booking = _held(student, instructor, starts_at, credits=credits)
    teacher = instructor.user.as_actor(Door.COMMAND)
    complete_lesson(booking_id=booking.pk, actor=teacher, note="Scales, and a first étude.", now=starts_at + 2 * HOUR)
    capture_lesson(booking_id=booking.pk, actor=job("capture_completed_lessons"), now=starts_at + DAY + HOUR)
    return booking


def _cancelled_late(student: Person, instructor: Person, starts_at: datetime) -> Booking:
    """Cancelled 18 hours before: the price came back as credit."""
    booking = _held(student, instructor, starts_at)
    actor = student.user.as_actor(Door.COMMAND)
    return cancel_booking(booking_id=booking.pk, actor=actor, reason="I have a cold.", now=starts_at - 18 * HOUR)


def _missed(student: Person, instructor: Person, starts_at: datetime, now: datetime) -> Booking:
    """A lesson to which, says the student, the instructor did not come: frozen until somebody answers."""
    booking = _held(student, instructor, starts_at)
    return report_no_show(
        booking_id=booking.pk,
        actor=student.user.as_actor(Door.COMMAND),
        no_show_type="instructor",
        reason="I waited for half an hour and nobody came.",
        now=now,
    )
