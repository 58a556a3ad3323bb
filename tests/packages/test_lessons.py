"""Lessons of a package: booked without a charge, given, cancelled, moved, missed; the instructor's pay to the cent (policy 12)."""

from datetime import datetime
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from bookings import jobs, operations
from bookings.models import Booking
from bookings.operations._errors import BookingConflict
from bookings.policy.rescheduling import RescheduleLocked
from common.problems import Invalid, NotFound, Problem
from credits.queries import available_cents
from packages.entitlements import AfterExpiry, NothingLeft
from packages.models import Entitlement, Package
from sandbox_mode.people import make_person
from tests.stories.acts import in_account
from tests.support.cast import HOUR, NOTHING, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .shop import DAY, Shop, book, lessons_of, owed, states


def given(lesson: Booking) -> None:
    """The lesson took place, and a day has passed."""
    assert jobs.capture_completed_lessons(lesson.ends_at + DAY).results == {"lesson_completed_full_payout": 1}


def cancel(lesson: Booking, cast: Cast, hours: float, *, by_instructor: bool = False) -> dict[str, Any]:
    actor = cast.as_instructor if by_instructor else cast.as_student
    at = lesson.starts_at - hours * HOUR
    operations.cancel_booking(booking_id=lesson.pk, actor=actor, reason="Ill", now=at)
    return money_of(lesson)


def entitlement_of(lesson: Booking) -> Entitlement:
    return Entitlement.objects.get(payments__bookings=lesson)


def test_every_cent_of_a_package_finds_its_owner(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    book(shop, package, soon(72), now=now)
    book(shop, package, soon(96), now=now)
    assert states(package) == {"booked": 3}
    with pytest.raises(NothingLeft):
        book(shop, package, soon(120), now=now)
    for lesson, paid in zip(lessons_of(package), (8_800, 8_801, 8_800), strict=True):
        given(lesson)
        assert money_of(lesson) == NOTHING | {
            "booking": "COMPLETED", "payment": "settled", "outcome": "lesson_completed_full_payout", "payout": paid,
        }  # fmt: skip
    assert (in_account(cast), owed(), states(package)) == (26_401, 0, {"used": 3})
    assert mails_to(cast.instructor.user).count("payment_settled.instructor") == 3


def test_five_lessons_of_a_package_reach_the_milestone(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(5, now=now, more_starts_at=[soon(48 + 3 * day) for day in range(1, 5)])
    for lesson in lessons_of(package):
        given(lesson)
    assert available_cents(user_id=cast.student.user.pk, now=now + 30 * DAY) == 1_000


def test_a_lesson_is_booked_at_once_and_charges_nothing(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = book(shop, package, soon(72), now=now)
    assert (lesson.status, lesson.payment_status, lesson.payment.prepaid_cents) == ("CONFIRMED", "locked", 10_001)
    assert lesson.payment.payment_intent_id == ""
    assert mails_to(cast.student.user).count("booking_confirmed.student") == 2
    again = [book(shop, package, soon(96), now=now, request_key="again") for _ in range(2)]
    assert again[0].pk == again[1].pk
    assert states(package) == {"booked": 3}


def test_what_does_not_fit_the_package_takes_nothing_from_it(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    with pytest.raises(BookingConflict):
        book(shop, package, lessons_of(package)[0].starts_at, now=now)
    with pytest.raises(AfterExpiry):
        book(shop, package, soon(366 * 24), now=now)
    about: dict[str, Any] = {
        "package_id": package.pk, "actor": cast.as_student, "service_id": package.service_id, "starts_at": soon(72),
        "duration_minutes": 60, "location_type": "online", "now": now,
    }  # fmt: skip
    with pytest.raises(Invalid):
        operations.book_with_package(**{**about, "duration_minutes": 90})
    stranger = make_person(role=cast.as_student.role, now=now).user.as_actor(cast.as_student.door)
    with pytest.raises(NotFound):
        operations.book_with_package(**{**about, "actor": stranger})
    assert states(package) == {"booked": 1, "available": 2}
    assert Booking.objects.count() == 1


def test_two_at_once_take_the_last_lesson_once(shop: Shop, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72)])
    barrier, ended = Barrier(2), list[str]()

    def take(hours: float) -> None:
        try:
            barrier.wait()
            book(shop, package, soon(hours), now=now)
            ended.append("booked")
        except Problem as problem:
            ended.append(problem.code)
        finally:
            connection.close()

    threads = [Thread(target=take, args=(hours,)) for hours in (96, 120)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) in (["booked", "no_lessons_left"], ["booked", "operation_in_progress"])
    assert states(package) == {"booked": 3}


# --- Cancelling ------------------------------------------------------------------------------------------------------
def test_cancelling_a_day_before_brings_the_lesson_back(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]
    assert cancel(lesson, cast, 24) == NOTHING | {
        "booking": "CANCELLED", "payment": "settled", "outcome": "entitlement_returned",
    }  # fmt: skip
    assert (states(package), owed(), entitlement_of(lesson).late_used) == ({"available": 3}, 30_001, False)
    assert book(shop, package, lesson.starts_at, now=now).status == "CONFIRMED"


def test_cancelling_late_brings_it_back_once(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72), soon(96)])
    lesson = lessons_of(package)[0]
    assert cancel(lesson, cast, 23.9)["outcome"] == "entitlement_returned"
    assert (states(package), entitlement_of(lesson).late_used) == ({"booked": 2, "available": 1}, True)
    again = book(shop, package, soon(120), now=now)
    assert cancel(again, cast, 18) == NOTHING | {
        "booking": "CANCELLED", "payment": "settled", "outcome": "locked_cancel_lt12_split_50_50",
        "credit": 5_000, "issued": 5_000, "payout": 4_400,
    }  # fmt: skip
    assert (states(package), in_account(cast), owed()) == ({"booked": 2, "used": 1}, 4_400, 20_001)


def test_cancelling_at_the_last_minute_splits_it(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72)])
    lesson = lessons_of(package)[1]  # its share is 10,001: half-up on both sides
    money = cancel(lesson, cast, 11.9)
    assert (money["credit"], money["payout"], money["refunded"]) == (5_001, 4_401, 0)
    assert states(package) == {"booked": 1, "used": 1, "available": 1}
    assert available_cents(user_id=cast.student.user.pk, now=now) == 5_001


def test_an_instructor_who_cancels_gives_it_back_for_longer(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    assert package.expires_at
    lesson = book(shop, package, soon(364 * 24), now=now)
    money = cancel(lesson, cast, 1, by_instructor=True)
    assert (money["outcome"], money["payout"], money["credit"]) == ("instructor_cancel_full_refund", 0, 0)
    entitlement = entitlement_of(lesson)
    assert (entitlement.status, entitlement.expires_at) == ("available", lesson.starts_at - HOUR + 30 * DAY)
    assert "booking_cancelled.student" in mails_to(cast.student.user)


def test_staff_cancel_for_somebody(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72)])
    ends = ((True, "admin_refund", "available"), (False, "locked_cancel_lt12_split_50_50", "used"))
    for lesson, (refund, outcome, state) in zip(lessons_of(package), ends, strict=True):
        operations.staff_cancel_booking(
            booking_id=lesson.pk, actor=cast.as_staff, reason="Storm", refund=refund, now=lesson.starts_at - HOUR
        )
        assert (money_of(lesson)["outcome"], entitlement_of(lesson).status) == (outcome, state)


# --- Moving ----------------------------------------------------------------------------------------------------------
def test_moving_freely_and_once_late(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now)
    lesson = lessons_of(package)[0]

    def move(booking: Booking, hours: float, to: datetime) -> Booking:
        at = booking.starts_at - hours * HOUR
        return operations.reschedule_booking(booking_id=booking.pk, actor=cast.as_student, starts_at=to, now=at)

    free = move(lesson, 30, soon(72))
    assert (free.status, free.payment_status, entitlement_of(free).late_used) == ("CONFIRMED", "locked", False)
    late = move(free, 18, soon(120))
    assert (late.payment_status, late.payment.late_reschedule_used) == ("locked", True)
    assert (entitlement_of(late).late_used, in_account(cast)) == (True, 0)
    with pytest.raises(RescheduleLocked):
        move(late, 48, soon(144))
    given(late)
    assert (money_of(late)["payout"], states(package)) == (8_800, {"used": 1, "available": 2})


def test_an_entitlement_cancelled_late_is_not_moved_late_too(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(3, now=now, more_starts_at=[soon(72), soon(96)])
    cancel(lessons_of(package)[0], cast, 18)
    again = book(shop, package, soon(120), now=now)
    with pytest.raises(RescheduleLocked):
        operations.reschedule_booking(
            booking_id=again.pk, actor=cast.as_student, starts_at=soon(150), now=again.starts_at - 18 * HOUR
        )
    moved = operations.reschedule_booking(
        booking_id=again.pk, actor=cast.as_student, starts_at=soon(150), now=again.starts_at - 25 * HOUR
    )
    assert moved.status == "CONFIRMED"


# --- No-shows, reviews, payouts that fail ----------------------------------------------------------------------------
def test_no_shows(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(5, now=now, more_starts_at=[soon(72), soon(96)])
    ends = (
        ("instructor", "confirmed_after_review", "instructor_no_show_full_refund", 0, "available"),
        ("student", "confirmed_after_review", "student_no_show_full_payout", 8_800, "used"),
        ("instructor", "dispute_upheld", "lesson_completed_full_payout", 8_800, "used"),
    )
    for lesson, (who, resolution, outcome, payout, state) in zip(lessons_of(package), ends, strict=True):
        reporter = cast.as_student if who == "instructor" else cast.as_instructor
        at = lesson.starts_at + HOUR / 2
        operations.report_no_show(booking_id=lesson.pk, actor=reporter, no_show_type=who, reason="Nobody came", now=at)
        operations.resolve_no_show(
            booking_id=lesson.pk, actor=cast.as_staff, resolution=resolution, reason="Both were heard", now=at + HOUR
        )
        money = money_of(lesson)
        assert (money["outcome"], money["payout"], money["charged"]) == (outcome, payout, 0)
        assert entitlement_of(lesson).status == state
    assert (in_account(cast), owed()) == (17_600, 30_000)


def test_reviews(shop: Shop, cast: Cast, now: datetime) -> None:
    package = shop.bought(5, now=now, more_starts_at=[soon(72), soon(96)])
    ends = (
        ("full_payout", "lesson_completed_full_payout", 8_800, 0, "used"),
        ("full_refund", "student_wins_dispute_full_refund", 0, 0, "available"),
        ("split_50_50", "locked_cancel_lt12_split_50_50", 4_400, 5_000, "used"),
    )
    for lesson, (resolution, outcome, payout, credit, state) in zip(lessons_of(package), ends, strict=True):
        operations.dispute_completion(
            booking_id=lesson.pk, actor=cast.as_instructor, reason="It was otherwise", now=lesson.ends_at
        )
        operations.resolve_review(
            booking_id=lesson.pk, actor=cast.as_staff, resolution=resolution, reason="Heard", now=lesson.ends_at + HOUR
        )
        money = money_of(lesson)
        assert (money["outcome"], money["payout"], money["credit"]) == (outcome, payout, credit)
        assert entitlement_of(lesson).status == state
    assert (in_account(cast), owed()) == (13_200, 30_000)


def test_a_payout_that_stripe_refuses_waits_and_is_paid_once(
    shop: Shop, cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    lesson = lessons_of(shop.bought(3, now=now))[0]
    error = {"type": "invalid_request_error", "code": "balance_insufficient", "message": "No."}
    sandbox.control(
        "POST", "faults", method="POST", path="/v1/transfers", count=1, kind="refuse", status=400, error=error
    )
    later = lesson.ends_at + DAY
    assert jobs.capture_completed_lessons(later).results == {"payout_failed": 1}
    assert (money_of(lesson)["payment"], entitlement_of(lesson).status) == ("manual_review", "booked")
    operations.resolve_review(
        booking_id=lesson.pk, actor=cast.as_staff, resolution="resume", reason="Float is back", now=later + HOUR
    )
    assert (money_of(lesson)["payout"], in_account(cast), entitlement_of(lesson).status) == (8_800, 8_800, "used")


# --- Time passes -----------------------------------------------------------------------------------------------------
def test_what_is_not_used_in_time_expires(shop: Shop, now: datetime) -> None:
    package = shop.bought(3, now=now)
    over = package.expires_at
    assert over
    assert jobs.expire_entitlements(over - HOUR).results == {}
    assert jobs.expire_entitlements(over).results == {"expired": 1}
    assert (states(package), owed()) == ({"booked": 1, "expired": 2}, 10_000)
    with pytest.raises(NothingLeft):
        book(shop, package, soon(72), now=now)
    assert jobs.expire_entitlements(over + DAY).results == {}


def test_a_lesson_past_its_date_cannot_be_booked_before_the_job_has_come(shop: Shop, now: datetime) -> None:
    package = shop.bought(3, now=now)
    Entitlement.objects.filter(package=package).update(expires_at=now - HOUR)
    with pytest.raises(NothingLeft):
        book(shop, package, soon(72), now=now)
    assert Package.objects.get(pk=package.pk).status == "paid"
