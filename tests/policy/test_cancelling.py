"""Who gets what when a lesson is cancelled (policy 5): row by row, and never better for waiting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy.cancellation import CAPTURED, ROWS, Row, cancellation_terms
from bookings.policy.pricing import Amounts
from bookings.policy.terms import Credits, Share, Step, Terms
from bookings.policy.windows import Window, window_of
from common.actors import Role
from common.money import half
from payments.vocabulary import Outcome, PaymentStatus

from .money import HOUR, SECOND, START, notices, quotes, students_value

S = PaymentStatus
STATES = (S.SCHEDULED, S.AUTHORIZED, S.PAYMENT_METHOD_REQUIRED, S.LOCKED, CAPTURED)
TAKEN = (S.LOCKED, CAPTURED)
FREE, LATE, LAST = 30 * HOUR, 20 * HOUR, 5 * HOUR
A, C, R, P, X, B = Step.AUTHORIZE, Step.CAPTURE, Step.REVERSE_ALL, Step.PAY, Step.CANCEL_INTENT, Step.REFUND_ALL


def terms_at(who: Role, state: str, notice: timedelta) -> Terms:
    return cancellation_terms(who=who, starts_at=START, now=START - notice, state=state)


@pytest.mark.parametrize(
    ("who", "state", "notice", "outcome", "steps", "credits", "pays"),
    [
        (Role.STUDENT, S.SCHEDULED, FREE, Outcome.CANCEL_NO_CHARGE, [X], Credits.RELEASE, Share.NOTHING),
        (Role.STUDENT, S.AUTHORIZED, FREE, Outcome.CANCEL_NO_CHARGE, [X], Credits.RELEASE, Share.NOTHING),
        (Role.STUDENT, S.AUTHORIZED, LATE, Outcome.CANCEL_LATE, [A, C, R], Credits.BACK_TO_PRICE, Share.NOTHING),
        (Role.STUDENT, S.AUTHORIZED, LAST, Outcome.CANCEL_LAST_MINUTE, [A, C, R, P], Credits.BACK_TO_HALF, Share.HALF),
        (Role.STUDENT, S.SCHEDULED, LATE, Outcome.CANCEL_LATE, [A, C, R], Credits.BACK_TO_PRICE, Share.NOTHING),
        (Role.STUDENT, S.SCHEDULED, LAST, Outcome.CANCEL_LAST_MINUTE, [A, C, R, P], Credits.BACK_TO_HALF, Share.HALF),
        (Role.STUDENT, S.PAYMENT_METHOD_REQUIRED, FREE, Outcome.CANCEL_NO_CHARGE, [X], Credits.RELEASE, Share.NOTHING),
        (Role.STUDENT, S.PAYMENT_METHOD_REQUIRED, LATE, Outcome.CANCEL_NO_CHARGE, [X], Credits.RELEASE, Share.NOTHING),
        (Role.STUDENT, S.PAYMENT_METHOD_REQUIRED, LAST, Outcome.CANCEL_NO_CHARGE, [X], Credits.RELEASE, Share.NOTHING),
        (Role.STUDENT, S.LOCKED, FREE, Outcome.LOCKED_CANCEL_LATE, [], Credits.BACK_TO_PRICE, Share.NOTHING),
        (Role.STUDENT, S.LOCKED, LATE, Outcome.LOCKED_CANCEL_LATE, [], Credits.BACK_TO_PRICE, Share.NOTHING),
        (Role.STUDENT, S.LOCKED, LAST, Outcome.LOCKED_CANCEL_LAST_MINUTE, [P], Credits.BACK_TO_HALF, Share.HALF),
        (Role.STUDENT, CAPTURED, LAST, Outcome.CANCEL_LAST_MINUTE, [A, C, R, P], Credits.BACK_TO_HALF, Share.HALF),
        *(
            (Role.INSTRUCTOR, state, notice, Outcome.INSTRUCTOR_CANCEL, [B if state in TAKEN else X], Credits.RELEASE,
             Share.NOTHING)
            for state in STATES
            for notice in (FREE, LATE, LAST, -HOUR)
        ),
    ],
)  # fmt: skip
def test_every_row(
    who: Role, state: str, notice: timedelta, outcome: Outcome, steps: list[Step], credits: Credits, pays: Share
) -> None:
    assert terms_at(who, state, notice) == Terms(outcome, tuple(steps), credits, pays)


def test_every_row_is_the_first_for_somebody() -> None:
    first: set[int] = set()
    for who in (Role.STUDENT, Role.INSTRUCTOR):
        for state in STATES:
            for window in Window:
                rows = (
                    n for n, row in enumerate(ROWS) if row.who is who and window in row.windows and state in row.states
                )
                first.add(next(rows))
    assert first == set(range(len(ROWS)))


@given(st.sampled_from([Role.STUDENT, Role.INSTRUCTOR]), st.sampled_from(STATES), notices)
def test_there_are_terms_for_everybody_at_any_time(who: Role, state: str, notice: timedelta) -> None:
    assert isinstance(next(row for row in ROWS if row.who is who), Row)
    assert terms_at(who, state, notice).outcome in Outcome


@pytest.mark.parametrize("state", [S.SETTLED, S.MANUAL_REVIEW, "nonsense"])
def test_what_nobody_can_cancel_has_no_terms(state: str) -> None:
    with pytest.raises(LookupError):
        terms_at(Role.STUDENT, state, LATE)


@given(quotes(), st.sampled_from(STATES), notices, notices)
def test_waiting_never_pays_for_the_student(amounts: Amounts, state: str, one: timedelta, other: timedelta) -> None:
    earlier, later = terms_at(Role.STUDENT, state, max(one, other)), terms_at(Role.STUDENT, state, min(one, other))
    captured = state in TAKEN
    assert students_value(earlier, amounts, captured=captured) >= students_value(later, amounts, captured=captured)
    assert earlier.payout_cents(amounts) <= later.payout_cents(amounts)


@given(quotes(), notices, notices)
def test_waiting_never_pays_along_the_usual_way(amounts: Amounts, one: timedelta, other: timedelta) -> None:
    """Scheduled until a day before, held from then on."""

    def value(notice: timedelta) -> int:
        state = S.SCHEDULED if notice > 24 * HOUR else S.AUTHORIZED
        return students_value(terms_at(Role.STUDENT, state, notice), amounts, captured=False)

    assert value(max(one, other)) >= value(min(one, other))


@given(quotes(), notices)
def test_locking_a_lesson_is_no_way_around_a_late_cancellation(amounts: Amounts, notice: timedelta) -> None:
    """Whoever moves a lesson late and cancels the new one gets back what cancelling late would have given, or less."""
    locked = students_value(terms_at(Role.STUDENT, S.LOCKED, notice), amounts, captured=True)
    late = students_value(terms_at(Role.STUDENT, S.AUTHORIZED, 20 * HOUR), amounts, captured=False)
    assert locked <= late


@given(quotes(), st.sampled_from(STATES), notices)
def test_nobody_gets_more_than_the_lesson_is_worth(amounts: Amounts, state: str, notice: timedelta) -> None:
    for who in (Role.STUDENT, Role.INSTRUCTOR):
        terms = terms_at(who, state, notice)
        value = students_value(terms, amounts, captured=state in TAKEN)
        assert 0 <= value <= amounts.lesson_price_cents + amounts.student_fee_cents
        assert 0 <= terms.payout_cents(amounts) <= amounts.payout_full_cents


@given(quotes(), st.sampled_from(STATES), notices)
def test_an_instructor_who_cancels_leaves_the_student_whole(amounts: Amounts, state: str, notice: timedelta) -> None:
    terms = terms_at(Role.INSTRUCTOR, state, notice)
    whole = amounts.lesson_price_cents + amounts.student_fee_cents
    assert students_value(terms, amounts, captured=state in TAKEN) == whole
    assert terms.payout_cents(amounts) == 0


@given(quotes())
def test_the_split_is_half_of_each_side(amounts: Amounts) -> None:
    terms = terms_at(Role.STUDENT, S.AUTHORIZED, 12 * HOUR - SECOND)
    assert window_of(starts_at=START, now=START - 12 * HOUR + SECOND) is Window.LAST_MINUTE
    assert terms.credit_cents(amounts) == half(amounts.lesson_price_cents)
    assert terms.payout_cents(amounts) == half(amounts.payout_full_cents)
