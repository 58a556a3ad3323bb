"""How a booking gets to where an operation is due: through real operations, each with people and times of its own."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction

from bookings.operations import reschedule_booking
from catalog.booking_rules import next_quarter
from common.problems import Problem
from payments import webhook_inbox
from payments.gateway import client

from .verbs import VERBS
from .world import HOUR, Staged, World

Stage = Callable[[World], Staged]
GOOD, FAILING, SECURE = "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired"
DAY = 24 * HOUR


# --- From nothing ----------------------------------------------------------------------------------------------------
def booked(world: World, *, hours: float, card: str = GOOD, credits: int = 0) -> Staged:
    """A PENDING booking of a lesson so many hours ahead, by a student with so much credit in two lots."""
    now = world.begin()
    lots = [credits // 3, credits - credits // 3] if credits else []
    cast = world.cast(now, card=card, credits=lots)
    starts_at = next_quarter(now + hours * HOUR + HOUR / 60)
    booking = cast.book(starts_at, now=now)
    world.taken_until(booking.ends_at + 10 * DAY)
    return Staged(world, cast, booking.pk, booking.payment_id, now)


def checked_out(world: World, *, hours: float, card: str = GOOD, credits: int = 0) -> Staged:
    """Checked out: `scheduled` from 24 h ahead on, else `authorized` at once (or declined, or waiting for 3-D Secure)."""
    staged = booked(world, hours=hours, card=card, credits=credits)
    try:
        staged.cast.check_out(staged.booking, now=staged.now, credits=credits)
    except Problem:
        if card != FAILING:
            raise
    return staged


def scheduled(world: World, *, card: str = GOOD, credits: int = 0) -> Staged:
    return checked_out(world, hours=30, card=card, credits=credits)


def held(world: World, *, hours: float = 20, credits: int = 0) -> Staged:
    """`authorized`, so many hours before the lesson."""
    return checked_out(world, hours=hours, credits=credits)


def held_by_job(world: World, *, credits: int = 0) -> Staged:
    """`authorized` by the T−24 h job."""
    return then(scheduled(world, credits=credits), "place_hold", before_start(24))


# --- Step by step ----------------------------------------------------------------------------------------------------
When = Callable[[Staged], datetime]


def before_start(hours: float) -> When:
    return lambda s: _current(s).starts_at - hours * HOUR


def after_end(hours: float) -> When:
    return lambda s: _current(s).ends_at + hours * HOUR


def later(hours: float) -> When:
    return lambda s: s.now + hours * HOUR


def before_hold_ends(hours: float) -> When:
    def when(s: Staged) -> datetime:
        ends = s.payment.capture_before
        assert ends, "no hold"
        return ends - hours * HOUR

    return when


def _current(s: Staged) -> Any:
    from bookings.models import Booking

    return Booking.objects.get(pk=s.current_id)


def then(s: Staged, verb: str, when: When | None = None) -> Staged:
    """Go to an instant and do something there; what it refuses is part of the story."""
    if when:
        s.at(when(s))
    with suppress(Problem):
        VERBS[verb].run(s, s.now)
    return s


def go(s: Staged, when: When) -> Staged:
    """Go to an instant."""
    return s.at(when(s))


def locked(world: World, *, credits: int = 0) -> Staged:
    """A lesson that was moved late: `locked`, the new one four days ahead."""
    staged = held(world, credits=credits)
    new = reschedule_booking(
        booking_id=staged.booking_id,
        actor=staged.cast.as_student,
        starts_at=staged.booking.starts_at + 4 * DAY,
        now=staged.now,
    )
    staged.booking_id = new.pk
    return staged


def settled(world: World, *, credits: int = 0) -> Staged:
    """Completed, captured, paid out."""
    return then(held(world, credits=credits), "capture", after_end(24))


# --- With Stripe's help ----------------------------------------------------------------------------------------------
def refusing(s: Staged, what: str, **error: Any) -> Staged:
    """Stripe refuses `capture` (as the card's bank does), `reversal`, `transfer` or `refund` of this case from now on."""
    payment = s.payment
    match what:
        case "capture":
            path, kind = f"/v1/payment_intents/{payment.payment_intent_id}/capture", "card_error"
            error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Declined."} | error
        case "reversal":
            path, kind = "/v1/transfers/*/reversals", "invalid_request_error"
            error = {"code": "balance_insufficient", "message": "Not enough there."} | error
        case "transfer":
            path, kind = "/v1/transfers", "invalid_request_error"
            error = {"code": "balance_insufficient", "message": "Not enough there."} | error
        case _:
            path, kind = "/v1/refunds", "invalid_request_error"
            error = {"code": "charge_already_refunded", "message": "Refused."} | error
    s.refuse("POST", path, type=kind, **error)
    return s


def willing(s: Staged) -> Staged:
    """Stripe refuses nothing any more."""
    s.over()
    return s


def capture_failed(world: World, *, credits: int = 0) -> Staged:
    """A lesson whose capture the card refused, and refuses still."""
    return then(refusing(held(world, credits=credits), "capture"), "capture", after_end(24))


def late_capture_failed(world: World, *, hours: float = 20) -> Staged:
    """A late cancellation whose capture the card refused, and refuses still."""
    return then(refusing(held(world, hours=hours), "capture"), "cancel_by_student")


def authenticated(s: Staged, result: str = "succeed") -> Staged:
    """The student finishes 3-D Secure; Stripe's event is in the inbox."""
    s.world.sandbox.control("POST", f"authentications/{s.payment.payment_intent_id}", result=result)
    return told(
        s, "payment_intent.amount_capturable_updated" if result == "succeed" else "payment_intent.payment_failed"
    )


def told(s: Staged, *types: str) -> Staged:
    """Stripe's events of this case's objects are in the inbox."""
    wanted = {s.payment.payment_intent_id, s.dispute_id} - {""}
    for event in events(types):
        if event["data"]["object"]["id"] in wanted:
            with transaction.atomic():
                webhook_inbox.store(event)
    return s


def events(types: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Stripe's latest events, newest first."""
    params: dict[str, Any] = {"types": list(types)} if types else {}
    page = client().v1.events.list(params={**params, "limit": 30})  # type: ignore[arg-type]
    return [event._to_dict_recursive() for event in page.data]


def disputed(s: Staged, *, inquiry: bool = False) -> Staged:
    """The student's bank opens a dispute."""
    dispute = s.world.sandbox.control("POST", "disputes", charge=s.payment.charge_id, inquiry=inquiry)
    s.dispute_id = str(dispute["id"])
    return s


def bank_decides(s: Staged, status: str) -> Staged:
    """The dispute is `won` or `lost`."""
    s.world.sandbox.control("POST", f"disputes/{s.dispute_id}/close", status=status)
    return s


def charged_back(s: Staged) -> Staged:
    """A dispute that we have noted."""
    return then(disputed(s), "chargeback")


def unauthorized_again(s: Staged) -> Staged:
    """The hold is gone at Stripe before we learn of it."""
    client().v1.payment_intents.cancel(s.payment.payment_intent_id)
    return s
