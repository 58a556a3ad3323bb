"""What a confirmation shows is what then happens, to the cent, for every action on a booking's money."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import audit
from bookings.models import Booking, BookingEvent
from bookings.operations import (
    cancel_booking,
    dispute_completion,
    dispute_no_show,
    refund_booking,
    report_no_show,
    standing,
)
from payments.models import MoneyMovement, MoneyPlan
from support import carrying_out
from support.actions import ACTIONS
from support.actions.about_bookings import effects_of
from tests.stories.acts import DAY, give_credits, held, locked, paid, refuse
from tests.support.cast import HOUR, Cast
from tests.support.sandbox import Sandbox

from .conftest import member

Stage = Callable[[Cast, datetime, Sandbox], tuple[Booking, datetime]]


def given(cast: Cast, now: datetime, *, credits: int = 0) -> Booking:
    if credits:
        give_credits(cast, credits, now)
    return held(cast, now, credits=credits)


def _no_show(credits: int) -> Stage:
    def stage(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
        booking = given(cast, now, credits=credits)
        at = booking.ends_at + HOUR
        report_no_show(
            booking_id=booking.pk, actor=cast.as_student, no_show_type="instructor", reason="Nobody came", now=at
        )
        dispute_no_show(booking_id=booking.pk, actor=cast.as_instructor, reason="I was there in time", now=at)
        return booking, at + HOUR

    return stage


def _disputed(credits: int) -> Stage:
    def stage(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
        booking = given(cast, now, credits=credits)
        at = booking.ends_at + HOUR
        dispute_completion(booking_id=booking.pk, actor=cast.as_instructor, reason="It went otherwise", now=at)
        return booking, at + HOUR

    return stage


def _held(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
    booking = given(cast, now, credits=7000)
    return booking, booking.starts_at - 6 * HOUR


def _locked(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
    booking = locked(cast, now)
    return booking, booking.starts_at - 6 * HOUR


def _ended(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
    booking = given(cast, now, credits=5000)
    return booking, booking.ends_at + HOUR


def _paid(credits: int) -> Stage:
    def stage(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
        if credits:
            give_credits(cast, credits, now)
        booking = paid(cast, now, credits=credits)
        return booking, booking.ends_at + 2 * DAY

    return stage


def _half_refunded(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
    booking, at = _paid(5000)(cast, now, sandbox)
    refund_booking(booking_id=booking.pk, actor=cast.as_staff, amount_cents=3333, reason="other", now=at)
    return booking, at + HOUR


def _late_cancelled(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
    booking = given(cast, now)
    at = booking.starts_at - 15 * HOUR
    cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=at)
    return booking, at + HOUR


def _stuck(path: str, hours: float) -> Stage:
    """A cancellation whose reversal, or whose half payout, Stripe refused."""

    def stage(cast: Cast, now: datetime, sandbox: Sandbox) -> tuple[Booking, datetime]:
        booking = given(cast, now, credits=5000)
        refuse(sandbox, path, code="balance_insufficient")
        at = booking.starts_at - timedelta(hours=hours)
        cancel_booking(booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=at)
        return booking, at + HOUR

    return stage


REVERSAL, TRANSFER = "/v1/transfers/*/reversals", "/v1/transfers"
CASES: list[tuple[str, Stage, dict[str, Any]]] = [
    ("resolve-no-show", _no_show(5000), {"resolution": "confirmed_after_review"}),
    ("resolve-no-show", _no_show(5000), {"resolution": "dispute_upheld"}),
    ("resolve-no-show", _no_show(0), {"resolution": "cancelled"}),
    ("resolve-review", _disputed(5000), {"resolution": "full_payout"}),
    ("resolve-review", _disputed(5000), {"resolution": "full_refund"}),
    ("resolve-review", _disputed(9000), {"resolution": "split_50_50"}),
    ("resolve-review", _disputed(0), {"resolution": "resume"}),
    ("cancel", _held, {"refund": "yes"}),
    ("cancel", _held, {"refund": "no"}),
    ("cancel", _locked, {"refund": "yes"}),
    ("cancel", _locked, {"refund": "no"}),
    ("refund", _paid(5000), {"amount_cents": None, "because": "other"}),
    ("refund", _paid(0), {"amount_cents": 3333, "because": "platform_error"}),
    ("refund", _half_refunded, {"amount_cents": 2222, "because": "other"}),
    ("refund", _half_refunded, {"amount_cents": None, "because": "dispute"}),
    ("refund", _late_cancelled, {"amount_cents": 5000, "because": "other"}),
    ("capture", _ended, {}),
    ("retry", _stuck(REVERSAL, 15), {}),
    ("retry", _stuck(TRANSFER, 6), {}),
    ("give-up", _stuck(REVERSAL, 15), {}),
    ("give-up", _stuck(TRANSFER, 6), {}),
]


@pytest.mark.parametrize(
    ("name", "stage", "inputs"), CASES, ids=[f"{n}-{number}" for number, (n, _, _) in enumerate(CASES)]
)
def test_the_confirmation_is_the_outcome(
    cast: Cast, now: datetime, sandbox: Sandbox, name: str, stage: Stage, inputs: dict[str, Any]
) -> None:
    booking, at = stage(cast, now, sandbox)
    user = member("finance")
    facts = _facts(booking)
    shown = carrying_out.show(name, booking.pk, inputs, user=user, now=at)
    assert _facts(booking) == facts, "looking changed something"
    before = standing(booking.pk)
    asked = carrying_out.ask(
        key=f"01{'A' * 24}",
        name=name,
        subject_id=booking.pk,
        inputs=inputs,
        reason="Because",
        shown=shown,
        user=user,
        now=at,
    )
    assert asked.state == "done", asked.result
    assert shown.as_rows() == [[e.party, e.what, e.before, e.after] for e in effects_of(before, standing(booking.pk))]
    assert not audit.audit(booking_id=booking.pk)
    done = _facts(booking)
    again = carrying_out.ask(
        key=asked.pk, name=name, subject_id=booking.pk, inputs=inputs, reason="Because", shown=shown, user=user, now=at
    )
    assert (again.pk, _facts(booking)) == (asked.pk, done), "asked twice is done once"
    assert BookingEvent.objects.filter(actor_id=user.pk, door="admin").exists()


def _facts(booking: Booking) -> tuple[int, int, int, object]:
    rows = (BookingEvent, MoneyPlan, MoneyMovement)
    events, plans, moves = (model.objects.count() for model in rows)
    return events, plans, moves, standing(booking.pk)


def test_every_action_on_a_booking_is_held_against_its_preview() -> None:
    assert {name for name, _, _ in CASES} == {action.name for action in ACTIONS.values() if action.about == "booking"}
