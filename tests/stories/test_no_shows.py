"""No-shows: reported, disputed, confirmed, rejected, withdrawn (policy 7)."""

from datetime import datetime, timedelta

import pytest

from bookings import jobs
from bookings.models import Booking
from bookings.operations import cancel_booking, dispute_no_show, report_no_show, resolve_no_show
from bookings.operations._errors import UnderReview
from bookings.operations.report_no_show import AlreadyDisputed, AlreadyReported
from bookings.policy.no_show import DisputeWindowClosed, NoShowWindowClosed
from common.problems import Invalid, PermissionDenied
from credits.queries import available_cents
from tests.support.cast import HOUR, NOTHING, Cast, mails_to, money_of
from tests.support.sandbox import Sandbox

from .acts import DAY, give_credits, held, in_account, intent_status, locked, payment_of

SECOND = timedelta(seconds=1)


def report(cast: Cast, booking: Booking, who: str, at: datetime) -> None:
    actor = cast.as_student if who == "instructor" else cast.as_instructor
    report_no_show(booking_id=booking.pk, actor=actor, no_show_type=who, reason="Nobody came", now=at)


def resolve(cast: Cast, booking: Booking, resolution: str, at: datetime) -> None:
    resolve_no_show(booking_id=booking.pk, actor=cast.as_staff, resolution=resolution, reason="Heard both", now=at)


def test_the_report_freezes_the_payment_and_nothing_else_moves(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    report(cast, booking, "instructor", booking.starts_at)
    money = money_of(booking)
    assert (money["booking"], money["payment"]) == ("CONFIRMED", "manual_review")
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 0
    with pytest.raises(UnderReview):
        cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="x", now=booking.ends_at)
    with pytest.raises(AlreadyReported):
        report(cast, booking, "instructor", booking.ends_at)


def test_when_and_who_may_report(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    for at in (booking.starts_at - SECOND, booking.ends_at + DAY + SECOND):
        with pytest.raises(NoShowWindowClosed):
            report(cast, booking, "instructor", at)
    with pytest.raises(PermissionDenied):
        report_no_show(
            booking_id=booking.pk, actor=cast.as_student, no_show_type="student", reason="x", now=booking.starts_at
        )
    report(cast, booking, "instructor", booking.ends_at + DAY)


def test_an_undisputed_instructor_no_show_releases_the_hold(cast: Cast, now: datetime) -> None:
    give_credits(cast, 2000, now)
    booking = held(cast, now, credits=2000)
    at = booking.starts_at + HOUR
    report(cast, booking, "instructor", at)
    assert jobs.resolve_undisputed_no_shows(at + DAY - SECOND).processed == 0
    assert jobs.resolve_undisputed_no_shows(at + DAY).processed == 1
    assert money_of(booking) == {
        **NOTHING,
        "booking": "NO_SHOW",
        "payment": "settled",
        "outcome": "instructor_no_show_full_refund",
        "released": 2000,
    }
    assert intent_status(booking) == "canceled"
    assert available_cents(user_id=cast.student.user.pk, now=now) == 2000
    assert "no_show_resolved.instructor" in mails_to(cast.instructor.user)


def test_an_undisputed_student_no_show_pays_and_forfeits(cast: Cast, now: datetime) -> None:
    give_credits(cast, 5000, now)
    booking = held(cast, now, credits=5000)
    at = booking.starts_at + HOUR
    report(cast, booking, "student", at)
    jobs.resolve_undisputed_no_shows(at + DAY)
    assert money_of(booking) == {
        **NOTHING,
        "booking": "NO_SHOW",
        "payment": "settled",
        "outcome": "student_no_show_full_payout",
        "charged": 8440,
        "payout": 10560,
        "forfeited": 5000,
    }
    assert in_account(cast) == 10560


def test_both_reported_is_a_mutual_no_show(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    report(cast, booking, "instructor", booking.starts_at)
    report(cast, booking, "student", booking.starts_at + HOUR)
    assert jobs.resolve_undisputed_no_shows(booking.starts_at + DAY).processed == 0
    assert jobs.resolve_undisputed_no_shows(booking.starts_at + HOUR + DAY).processed == 1
    assert money_of(booking)["outcome"] == "mutual_no_show_full_refund"


def test_a_disputed_report_waits_for_staff(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    at = booking.starts_at
    report(cast, booking, "instructor", at)
    with pytest.raises(Invalid):
        dispute_no_show(booking_id=booking.pk, actor=cast.as_instructor, reason="short", now=at)
    dispute_no_show(booking_id=booking.pk, actor=cast.as_instructor, reason="I was there all the time", now=at + DAY)
    with pytest.raises(AlreadyDisputed):
        dispute_no_show(booking_id=booking.pk, actor=cast.as_instructor, reason="I was there really", now=at + DAY)
    assert jobs.resolve_undisputed_no_shows(at + 2 * DAY).processed == 0


def test_the_dispute_window_is_24_hours(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    report(cast, booking, "instructor", booking.starts_at)
    with pytest.raises(DisputeWindowClosed):
        dispute_no_show(
            booking_id=booking.pk,
            actor=cast.as_instructor,
            reason="I was there all the time",
            now=booking.starts_at + DAY + SECOND,
        )


@pytest.mark.parametrize(
    ("who", "resolution", "booking_ends", "outcome", "payout"),
    [
        ("instructor", "confirmed_after_review", "NO_SHOW", "instructor_no_show_full_refund", 0),
        ("instructor", "dispute_upheld", "COMPLETED", "lesson_completed_full_payout", 10560),
        ("student", "confirmed_after_review", "NO_SHOW", "student_no_show_full_payout", 10560),
        ("student", "dispute_upheld", "NO_SHOW", "instructor_no_show_full_refund", 0),
    ],
)
@pytest.mark.parametrize("money_is", ["held", "locked"])
def test_staff_decide(
    cast: Cast, now: datetime, who: str, resolution: str, booking_ends: str, outcome: str, payout: int, money_is: str
) -> None:
    booking = held(cast, now) if money_is == "held" else locked(cast, now)
    report(cast, booking, who, booking.starts_at)
    resolve(cast, booking, resolution, booking.starts_at + HOUR)
    money = money_of(booking)
    assert (money["booking"], money["outcome"], money["payout"]) == (booking_ends, outcome, payout)
    captured = 13440 if money_is == "locked" or payout else 0
    assert (money["charged"], money["refunded"]) == (captured, 0 if payout else captured)
    assert in_account(cast) == payout


def test_a_withdrawn_report_lets_automation_go_on(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    report(cast, booking, "instructor", booking.starts_at)
    resolve(cast, booking, "cancelled", booking.ends_at)
    assert money_of(booking)["payment"] == "authorized"
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 1
    report_again = Booking.objects.get(pk=booking.pk)
    assert report_again.payment_status == "settled"


def test_a_hold_that_would_expire_in_a_freeze_is_secured(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    report(cast, booking, "instructor", booking.starts_at)
    dispute_no_show(
        booking_id=booking.pk, actor=cast.as_instructor, reason="I was there all the time", now=booking.starts_at
    )
    expires = payment_of(booking).capture_before
    assert expires is not None
    assert jobs.guard_expiring_holds(expires - 12 * HOUR - SECOND).processed == 0
    assert jobs.guard_expiring_holds(expires - 12 * HOUR).results == {"secured": 1}
    money = money_of(booking)
    assert (money["payment"], money["charged"]) == ("manual_review", 13440)
    assert in_account(cast) == 0
    resolve(cast, booking, "dispute_upheld", expires + DAY)
    assert (money_of(booking)["outcome"], in_account(cast)) == ("lesson_completed_full_payout", 10560)


def test_an_expired_hold_is_placed_again_when_staff_decide_late(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    report(cast, booking, "student", booking.starts_at)
    sandbox.control("POST", "clock", advance_seconds=9 * 24 * 3600)
    resolve(cast, booking, "confirmed_after_review", now + 9 * DAY)
    assert (money_of(booking)["outcome"], in_account(cast)) == ("student_no_show_full_payout", 10560)
