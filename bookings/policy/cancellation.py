"""Who gets what when a lesson is cancelled (policy 5). One row per rule, first match wins."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.actors import Role
from payments.vocabulary import Outcome, PaymentStatus

from .terms import Credits, Share, Step, Terms
from .windows import Window, window_of


class _Anything:
    def __contains__(self, _: object) -> bool:
        return True


ANY: Container[Any] = _Anything()
NOT_CAPTURED = (PaymentStatus.SCHEDULED, PaymentStatus.AUTHORIZED, PaymentStatus.PAYMENT_METHOD_REQUIRED)
SCHEDULED, AUTHORIZED = PaymentStatus.SCHEDULED, PaymentStatus.AUTHORIZED
UNPAID_STATE, LOCKED = PaymentStatus.PAYMENT_METHOD_REQUIRED, PaymentStatus.LOCKED
CAPTURED = "captured"  # money taken and the transfer not (wholly) reversed: a state, not a status

NO_CHARGE = Terms(Outcome.CANCEL_NO_CHARGE, (Step.CANCEL_INTENT,), Credits.RELEASE)
LATE = Terms(Outcome.CANCEL_LATE, (Step.AUTHORIZE, Step.CAPTURE, Step.REVERSE_ALL), Credits.BACK_TO_PRICE)
LAST_MINUTE = Terms(
    Outcome.CANCEL_LAST_MINUTE,
    (Step.AUTHORIZE, Step.CAPTURE, Step.REVERSE_ALL, Step.PAY),
    Credits.BACK_TO_HALF,
    Share.HALF,
)
LOCKED_LATE = Terms(Outcome.LOCKED_CANCEL_LATE, (), Credits.BACK_TO_PRICE)
LOCKED_LAST_MINUTE = Terms(Outcome.LOCKED_CANCEL_LAST_MINUTE, (Step.PAY,), Credits.BACK_TO_HALF, Share.HALF)
BY_INSTRUCTOR_UNCAPTURED = Terms(Outcome.INSTRUCTOR_CANCEL, (Step.CANCEL_INTENT,), Credits.RELEASE)
BY_INSTRUCTOR_CAPTURED = Terms(Outcome.INSTRUCTOR_CANCEL, (Step.REFUND_ALL,), Credits.RELEASE)


@dataclass(frozen=True, slots=True)
class Row:
    who: Role
    windows: Container[Window]
    states: Container[str]
    terms: Terms


ROWS = (
    Row(Role.STUDENT, (Window.FREE,), NOT_CAPTURED, NO_CHARGE),
    Row(Role.STUDENT, (Window.LATE,), (AUTHORIZED, SCHEDULED, CAPTURED), LATE),
    Row(Role.STUDENT, (Window.LAST_MINUTE,), (AUTHORIZED, SCHEDULED, CAPTURED), LAST_MINUTE),
    Row(Role.STUDENT, ANY, (UNPAID_STATE,), NO_CHARGE),
    Row(Role.STUDENT, (Window.FREE, Window.LATE), (LOCKED,), LOCKED_LATE),
    Row(Role.STUDENT, (Window.LAST_MINUTE,), (LOCKED,), LOCKED_LAST_MINUTE),
    Row(Role.STUDENT, (Window.FREE,), (CAPTURED,), LATE),
    Row(Role.INSTRUCTOR, ANY, NOT_CAPTURED, BY_INSTRUCTOR_UNCAPTURED),
    Row(Role.INSTRUCTOR, ANY, (CAPTURED, LOCKED), BY_INSTRUCTOR_CAPTURED),
)


def cancellation_terms(*, who: Role, starts_at: datetime, now: datetime, state: str) -> Terms:
    """The terms of a cancellation. `state` is the payment's status, or `captured` for money taken and not locked.

    Raises LookupError for a state nobody can cancel from (settled, manual review): the caller refuses those first.
    """
    window = window_of(starts_at=starts_at, now=now)
    for row in ROWS:
        if row.who is who and window in row.windows and state in row.states:
            return row.terms
    raise LookupError(f"No cancellation terms for {who}, {window}, {state}")
