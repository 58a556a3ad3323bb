"""A lesson's life in five steps: booked, held, lesson, 24 hours, settled."""

from dataclasses import dataclass
from datetime import datetime

from bookings.models import Booking
from bookings.policy.holds import capture_due_at, hold_due_at
from bookings.state_machine import BookingStatus as B
from payments.vocabulary import PaymentStatus as S

DONE, NOW, TROUBLE, TO_COME, LEFT_OUT = "done", "now", "trouble", "to-come", "left-out"
SAID = {DONE: "done", NOW: "now", TROUBLE: "needs you", TO_COME: "to come", LEFT_OUT: "left out"}


@dataclass(frozen=True, slots=True)
class Step:
    """A step, how far it is, and when it was or will be."""

    name: str
    state: str
    at: datetime | None

    @property
    def said(self) -> str:
        """The state in a word, so that colour is never alone."""
        return SAID[self.state]


def steps_of(booking: Booking, now: datetime) -> list[Step]:
    """The five steps. A cancelled lesson leaves out what no longer happens."""
    payment = booking.payment
    ended = booking.status in (B.CANCELLED, B.NO_SHOW)
    settled = payment.status == S.SETTLED and not booking.is_moved
    over = now >= booking.ends_at and booking.status != B.PENDING
    held = payment.status in (S.AUTHORIZED, S.LOCKED) or payment.is_captured or (settled and not ended)
    if payment.status == S.MANUAL_REVIEW:
        held = payment.frozen_status in (S.AUTHORIZED, S.LOCKED) or payment.is_captured
    waited = now >= capture_due_at(booking.ends_at) or (settled and not ended)
    reached = {
        "Booked": booking.status != B.PENDING,
        "Held": held,
        "Lesson": over and not ended,
        "24 hours": waited and not ended,
        "Settled": settled,
    }
    times = {
        "Booked": booking.confirmed_at,
        "Held": payment.auth_attempted_at if held else payment.auth_scheduled_for or hold_due_at(booking.starts_at),
        "Lesson": booking.starts_at,
        "24 hours": capture_due_at(booking.ends_at),
        "Settled": payment.settled_at,
    }
    trouble = payment.status in (S.PAYMENT_METHOD_REQUIRED, S.MANUAL_REVIEW) and booking.status != B.PENDING
    steps, current = [], False
    for name, done in reached.items():
        if done:
            state = DONE
        elif ended and name != "Settled":
            state = LEFT_OUT
        elif not current:
            state, current = (TROUBLE if trouble else NOW), True
        else:
            state = TO_COME
        steps.append(Step(name, state, times[name] if state != LEFT_OUT else None))
    return steps
