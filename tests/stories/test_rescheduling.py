"""Moving a lesson: free, LOCK, refused (policy 6)."""

from datetime import datetime, timedelta

import pytest

from bookings import jobs
from bookings.models import Booking
from bookings.operations import reschedule_booking
from bookings.operations._errors import BookingConflict
from bookings.operations.reschedule import RescheduleDeclined
from bookings.policy.rescheduling import RescheduleLocked, RescheduleWindowClosed
from credits.queries import available_cents
from tests.support.cast import HOUR, Cast, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import BAD_CARD, DAY, give_credits, held, in_account, intent_status, locked, payment_of, refuse

SECOND = timedelta(seconds=1)


def move(cast: Cast, booking: Booking, to: datetime, now: datetime) -> Booking:
    return reschedule_booking(booking_id=booking.pk, actor=cast.as_student, starts_at=to, now=now)


def test_a_free_move_moves_the_hold_and_keeps_the_credits(cast: Cast, now: datetime) -> None:
    give_credits(cast, 3000, now)
    old = cast.lesson(soon(72), now=now, credits=3000)
    new = move(cast, old, soon(120), old.starts_at - DAY)
    assert (new.status, new.payment_status) == ("CONFIRMED", "scheduled")
    assert new.rescheduled_from_id == old.pk
    assert Booking.objects.get(pk=old.pk).status == "CANCELLED"
    payment = payment_of(new)
    assert payment.auth_scheduled_for == new.starts_at - DAY
    assert payment.capture_due_at == new.ends_at + DAY
    assert payment.credits_reserved_cents == 3000
    assert jobs.process_scheduled_authorizations(old.starts_at - DAY).processed == 0
    again = move(cast, new, soon(130), now)
    assert jobs.process_scheduled_authorizations(again.starts_at - DAY).results == {"authorized": 1}
    assert jobs.capture_completed_lessons(again.ends_at + DAY).processed == 1
    assert in_account(cast) == 10560


def test_a_move_by_half_an_hour_overlaps_only_itself(cast: Cast, now: datetime) -> None:
    old = cast.lesson(soon(72), now=now)
    new = move(cast, old, old.starts_at + timedelta(minutes=30), now)
    assert new.status == "CONFIRMED"


def test_a_taken_time_is_refused_before_money_moves(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    taken = cast.lesson(soon(96), now=now)
    old = held(cast, now)
    before = len(sandbox.control("GET", "requests")["data"])
    with pytest.raises(BookingConflict):
        move(cast, old, taken.starts_at, old.starts_at - 20 * HOUR)
    after = sandbox.control("GET", "requests")["data"]
    assert [r for r in after[before:] if r["method"] == "POST"] == []
    assert money_of(old)["payment"] == "authorized"


def test_a_free_move_to_a_near_time_holds_the_card_now(cast: Cast, now: datetime) -> None:
    old = cast.lesson(soon(72), now=now)
    new = move(cast, old, soon(20), now)
    assert new.payment_status == "authorized"
    assert intent_status(new) == "requires_capture"


def test_a_free_move_to_a_near_time_is_refused_with_the_card(cast: Cast, now: datetime) -> None:
    old = cast.lesson(soon(72), now=now, card=BAD_CARD)
    with pytest.raises(RescheduleDeclined):
        move(cast, old, soon(20), now)
    money = money_of(old)
    assert (money["booking"], money["payment"]) == ("CONFIRMED", "scheduled")
    assert Booking.objects.count() == 1
    assert Booking.objects.get().holds_slot


@pytest.mark.parametrize("job_ran", [True, False])
def test_a_late_move_locks_the_money(cast: Cast, now: datetime, job_ran: bool) -> None:
    give_credits(cast, 2000, now)
    old = held(cast, now, credits=2000) if job_ran else cast.lesson(soon(48), now=now, credits=2000)
    at = old.starts_at - 20 * HOUR
    new = move(cast, old, soon(120), at)
    payment = payment_of(new)
    assert (payment.status, payment.locked_at, payment.locked_amount_cents) == ("locked", at, 11440)
    assert (payment.original_starts_at, payment.late_reschedule_used) == (old.starts_at, True)
    assert in_account(cast) == 0
    assert available_cents(user_id=cast.student.user.pk, now=now) == 0
    with pytest.raises(RescheduleLocked):
        move(cast, new, soon(200), now)
    assert jobs.capture_completed_lessons(new.ends_at + DAY).processed == 1
    money = money_of(new)
    assert (money["outcome"], money["payout"], money["consumed"]) == ("lesson_completed_full_payout", 10560, 2000)
    assert payment_of(new).lock_resolution == "lesson_completed_full_payout"
    assert in_account(cast) == 10560


def test_the_windows_of_a_late_move(cast: Cast, now: datetime) -> None:
    old = held(cast, now)
    with pytest.raises(RescheduleWindowClosed):
        move(cast, old, soon(120), old.starts_at - 12 * HOUR + SECOND)
    assert move(cast, old, soon(120), old.starts_at - 12 * HOUR).payment_status == "locked"


def test_a_declined_lock_changes_nothing(cast: Cast, now: datetime) -> None:
    old = cast.lesson(soon(48), now=now, card=BAD_CARD)
    with pytest.raises(RescheduleDeclined):
        move(cast, old, soon(120), old.starts_at - 20 * HOUR)
    money = money_of(old)
    assert (money["booking"], money["payment"], money["charged"]) == ("CONFIRMED", "scheduled", 0)
    assert Booking.objects.count() == 1


def test_a_lock_whose_reversal_fails_keeps_the_old_lesson(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    old = held(cast, now)
    refuse(sandbox, "/v1/transfers/*/reversals", code="balance_insufficient")
    with pytest.raises(Exception, match="secured"):
        move(cast, old, soon(120), old.starts_at - 20 * HOUR)
    money = money_of(old)
    assert (money["booking"], money["payment"]) == ("CONFIRMED", "manual_review")
    assert payment_of(old).locked_at is None


def test_a_locked_lesson_ends_once(cast: Cast, now: datetime) -> None:
    booking = locked(cast, now)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 1
    assert jobs.capture_completed_lessons(booking.ends_at + 2 * DAY).processed == 0
    assert in_account(cast) == 10560
