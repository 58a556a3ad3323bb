"""Jobs: one failure never stops the rest, health alarms, tiers, milestones, old credits (policy 8, 10)."""

from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from bookings import jobs, operations
from bookings.models import Booking, SupportItem
from catalog.models import InstructorProfile
from common import clock
from common.mutex import booking_mutex
from common.problems import OperationInProgress, StripeUnavailable
from credits.queries import available_cents
from payments.models import MoneyPlan, Payment
from tests.support.cast import HOUR, Cast, money_of, soon
from tests.support.sandbox import Sandbox

from .acts import BAD_CARD, DAY, held, in_account, paid


def test_one_bad_booking_does_not_stop_the_others(cast: Cast, now: datetime) -> None:
    lessons = [cast.lesson(soon(48 + 2 * n), now=now, card=BAD_CARD if n == 2 else None) for n in range(6)]
    with connection.cursor() as cursor:  # one whose account vanished: a bug, not a decline
        cursor.execute(
            "UPDATE payments_payment SET payment_intent_id = 'pi_gone' WHERE id = %s", [lessons[4].payment_id]
        )
    run = jobs.process_scheduled_authorizations(lessons[-1].starts_at - DAY)
    assert (run.processed, run.results.get("authorized")) == (6, 4)
    assert (
        sorted(money_of(lesson)["payment"] for lesson in lessons)
        == ["authorized"] * 4 + ["payment_method_required"] * 2
    )


def test_a_booking_somebody_holds_is_skipped_and_comes_again(cast: Cast, now: datetime) -> None:
    booking = cast.lesson(soon(48), now=now)
    with booking_mutex(booking.pk):
        assert jobs.process_scheduled_authorizations(booking.starts_at - DAY).skipped == 1
        with pytest.raises(OperationInProgress):
            operations.cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=now)
    assert jobs.process_scheduled_authorizations(booking.starts_at - DAY).processed == 1


def test_an_unreachable_stripe_is_waited_for(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = held(cast, now)
    sandbox.control("POST", "faults", method="POST", path="/v1/transfers/*/reversals", kind="lost_request")
    with pytest.raises(StripeUnavailable):
        operations.cancel_booking(
            booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=booking.starts_at - 6 * HOUR
        )
    money = money_of(booking)
    assert (money["booking"], money["payment"], money["charged"]) == ("CANCELLED", "authorized", 13440)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).processed == 0
    sandbox.control("DELETE", "faults")
    MoneyPlan.objects.filter(finished_at=None).update(next_attempt_at=clock.system_now())
    assert jobs.resume_unfinished_settlements(booking.ends_at).results == {"student_cancel_lt12_split_50_50": 1}
    assert (money_of(booking)["credit"], in_account(cast)) == (6000, 5280)


def test_more_than_five_overdue_holds_are_an_alarm(cast: Cast, now: datetime) -> None:
    lessons = [cast.lesson(soon(48 + 2 * n), now=now) for n in range(6)]
    last = lessons[-1].starts_at - DAY
    assert jobs.check_payment_health(lessons[0].starts_at - DAY + HOUR).processed == 0
    alarms = {"6 holds are overdue": 1, "no hold succeeded for 120 minutes": 1}
    for _ in range(2):
        assert jobs.check_payment_health(last + HOUR).results == alarms
    assert SupportItem.objects.filter(kind="holds_overdue", closed_at=None).count() == 2


def test_a_hold_nobody_tries_for_two_hours_is_an_alarm(cast: Cast, now: datetime) -> None:
    due = cast.lesson(soon(48), now=now).starts_at - DAY
    assert jobs.check_payment_health(due + 2 * HOUR - timedelta(seconds=1)).processed == 0
    assert jobs.check_payment_health(due + 2 * HOUR).results == {"no hold succeeded for 120 minutes": 1}


def test_a_night_improves_a_tier_at_once_and_worsens_it_by_one(cast: Cast, now: datetime) -> None:
    profile = InstructorProfile.objects.get(pk=cast.instructor.user.pk)
    InstructorProfile.objects.filter(pk=profile.pk).update(commission_bps=1000)
    booking = paid(cast, now)
    jobs.evaluate_instructor_tiers(booking.ends_at + DAY)
    profile.refresh_from_db()
    assert profile.commission_bps == 1200  # one completed lesson earns 1500: one tier a night
    assert Payment.objects.get(bookings=booking.pk).commission_bps == 1000  # frozen when it was quoted
    jobs.evaluate_instructor_tiers(booking.ends_at + DAY)
    profile.refresh_from_db()
    assert profile.commission_bps == 1200
    jobs.evaluate_instructor_tiers(booking.ends_at + 2 * DAY)
    profile.refresh_from_db()
    assert profile.commission_bps == 1500


def test_the_fifth_lesson_earns_a_credit_and_its_refund_takes_it_back(cast: Cast, now: datetime) -> None:
    lessons = [paid(cast, now) if n == 0 else cast.lesson(soon(60 + 2 * n), now=now) for n in range(5)]
    jobs.process_scheduled_authorizations(lessons[-1].starts_at - DAY)
    jobs.capture_completed_lessons(lessons[-1].ends_at + DAY)
    assert Payment.objects.filter(settlement_outcome="lesson_completed_full_payout").count() == 5
    assert available_cents(user_id=cast.student.user.pk, now=now) == 1000
    fifth = Booking.objects.get(
        payment_id=Payment.objects.filter(settlement_outcome="lesson_completed_full_payout")
        .latest("settled_at", "id")
        .pk
    )
    for lesson in lessons:
        operations.refund_booking(
            booking_id=lesson.pk, actor=cast.as_staff, amount_cents=None, reason="other", now=now + 9 * DAY
        )
    assert money_of(fifth)["outcome"] == "admin_refund"
    assert available_cents(user_id=cast.student.user.pk, now=now) == 0


def test_credits_past_their_date_expire_once(cast: Cast, now: datetime) -> None:
    from sandbox_mode.people import give_credits

    with transaction.atomic():
        give_credits(cast.student.user, [{"amount_cents": 700, "expires_at": now + DAY}], now=now)
    assert jobs.expire_credits(now + DAY - timedelta(seconds=1)).processed == 0
    assert jobs.expire_credits(now + DAY).processed == 1
    assert jobs.expire_credits(now + DAY).processed == 0
