"""What a settled payment has recorded (policy 3): student credit, instructor payout, card refund, by outcome."""

from dataclasses import dataclass

from common.money import half
from payments.vocabulary import Outcome

from .pricing import Amounts


@dataclass(frozen=True, slots=True)
class Recorded:
    """Cents. None stands for "depends on what was captured or on what staff decided"."""

    credit_cents: int | None
    payout_cents: int | None
    refund_cents: int | None


def recorded(outcome: Outcome, amounts: Amounts) -> Recorded:
    """The row of the table for one lesson's frozen amounts."""
    price, payout = amounts.lesson_price_cents, amounts.payout_full_cents
    rows = {
        Outcome.LESSON_COMPLETED: Recorded(0, payout, 0),
        Outcome.CANCEL_NO_CHARGE: Recorded(0, 0, 0),
        Outcome.CANCEL_LATE: Recorded(price, 0, 0),
        Outcome.CANCEL_LAST_MINUTE: Recorded(half(price), half(payout), 0),
        Outcome.LOCKED_CANCEL_LATE: Recorded(price, 0, 0),
        Outcome.LOCKED_CANCEL_LAST_MINUTE: Recorded(half(price), half(payout), 0),
        Outcome.INSTRUCTOR_CANCEL: Recorded(0, 0, None),
        Outcome.INSTRUCTOR_NO_SHOW: Recorded(0, 0, None),
        Outcome.MUTUAL_NO_SHOW: Recorded(0, 0, None),
        Outcome.STUDENT_NO_SHOW: Recorded(0, payout, 0),
        Outcome.STUDENT_WINS_DISPUTE: Recorded(0, 0, None),
        Outcome.DISPUTE_WON: Recorded(None, None, None),
        Outcome.CAPTURE_FAILURE_PAID: Recorded(0, payout, 0),
        Outcome.ADMIN_REFUND: Recorded(None, None, None),
        Outcome.ENTITLEMENT_RETURNED: Recorded(0, 0, 0),
        Outcome.PACKAGE_PAID: Recorded(0, 0, None),
        Outcome.PACKAGE_NOT_PAID: Recorded(0, 0, 0),
        Outcome.PACKAGE_REFUSED: Recorded(0, 0, None),
    }
    return rows[outcome]
