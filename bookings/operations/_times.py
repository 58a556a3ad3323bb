"""Whose time is whose: a lesson's time is checked and taken while nobody else can take one of the same instructor."""

from datetime import datetime

from bookings.models import Booking
from bookings.queries import lessons_around
from catalog.availability import check_bookable_time, habits_of
from catalog.booking_rules import TRAVELS_TO, BookingConflict, BookingRules
from catalog.models import InstructorProfile


def secure_time(
    *,
    instructor_id: str,
    location_type: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    besides_payment: str | None = None,
) -> None:
    """Let a student have a time that no rule forbids: nobody else takes one of this instructor until the transaction ends.

    Two bookings five minutes apart cannot both get in. Lock a booking and its payment before, never after.
    Raises what `check_bookable_time` does. Must run inside a transaction. Four queries.
    """
    instructor = lock_diary(instructor_id)
    check_bookable_time(
        instructor=instructor,
        location_type=location_type,
        starts_at=starts_at,
        ends_at=ends_at,
        lessons=lessons_around(instructor_id, since=starts_at, until=ends_at, besides_payment=besides_payment),
        now=now,
    )


def take_again(booking: Booking, *, now: datetime) -> None:
    """Take the time that a booking gave up: free still, with its gaps; the other rules were kept when it was made.

    Raises BookingConflict. Must run inside a transaction.
    """
    instructor = lock_diary(booking.instructor_id)
    lessons = lessons_around(
        booking.instructor_id, since=booking.starts_at, until=booking.ends_at, besides_payment=booking.payment_id
    )
    rules = BookingRules(
        habits=habits_of(instructor),
        travels=booking.location_type in TRAVELS_TO,
        hours=[],
        lessons=lessons,
        now=now,
    )
    if rules.is_taken(booking.starts_at, booking.ends_at):
        raise BookingConflict()
    booking.holds_slot = True
    booking.save()


def lock_diary(instructor_id: str) -> InstructorProfile:
    """The instructor's profile, locked: whoever takes one of their times waits for its turn."""
    profiles = InstructorProfile.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    return profiles.get(pk=instructor_id)
