"""The money table of a lesson: what it costs, what has happened. Each side sees its own money only."""

from dataclasses import dataclass

from bookings.models import Booking
from common.actors import Role
from payments.models import Payment


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, in cents; `total` lines are drawn stronger."""

    words: str
    cents: int
    total: bool = False
    small: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """What was agreed, and what has happened so far."""

    agreed: list[Row]
    happened: list[Row]


def money_of(booking: Booking, *, role: str) -> Money:
    """The table for one side of the lesson."""
    if role == Role.INSTRUCTOR:
        return Money(_earned(booking.payment), _paid_out(booking.payment))
    return Money(_price(booking.payment), _charged(booking.payment))


def _price(payment: Payment) -> list[Row]:
    rows = [
        Row("Lesson", payment.lesson_price_cents),
        Row("Booking Protection", payment.student_fee_cents, small="12 % of the price"),
    ]
    if payment.credits_reserved_cents:
        rows.append(Row("Your credit", -payment.credits_reserved_cents))
    return [*rows, Row("To your card", payment.card_amount_cents, total=True)]


def _charged(payment: Payment) -> list[Row]:
    happened = (
        ("Charged to your card", payment.card_charged_cents),
        ("Refunded to your card", -payment.refunded_to_card_cents),
        ("Credit that came back", payment.credits_released_cents),
        ("New credit for you", payment.credits_issued_cents),
        ("Credit used", payment.credits_consumed_cents),
        ("Credit lost", payment.credits_forfeited_cents),
    )
    return [Row(words, cents) for words, cents in happened if cents]


def _earned(payment: Payment) -> list[Row]:
    return [
        Row("Lesson", payment.lesson_price_cents),
        Row(
            "Commission", -payment.instructor_commission_cents, small=f"{payment.commission_bps / 100:g} % of the price"
        ),
        Row("You earn", payment.instructor_payout_full_cents, total=True),
    ]


def _paid_out(payment: Payment) -> list[Row]:
    return [Row("Paid to you", payment.instructor_payout_cents)] if payment.instructor_payout_cents else []
