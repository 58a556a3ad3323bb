"""What is recorded for every outcome (policy 3), and how no-shows and reviews end (policy 7)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy import packages
from bookings.policy.cancellation import ROWS
from bookings.policy.no_show import (
    RULINGS,
    DisputeWindowClosed,
    Ends,
    NoShowWindowClosed,
    Verdict,
    Who,
    refuse_dispute_after,
    refuse_report_outside,
)
from bookings.policy.pricing import Amounts
from bookings.policy.recorded import Recorded, recorded
from bookings.policy.review import Resolution, review_terms
from bookings.policy.terms import COMPLETED, UNPAID, Credits, Share, Step, Terms
from payments.vocabulary import Outcome

from .money import HOUR, REFERENCE, SECOND, START, notices, quotes

OF_120_DOLLARS = {
    "lesson_completed_full_payout": (0, 10560, 0),
    "student_cancel_gt24_no_charge": (0, 0, 0),
    "student_cancel_12_24_full_credit": (12000, 0, 0),
    "student_cancel_lt12_split_50_50": (6000, 5280, 0),
    "locked_cancel_ge12_full_credit": (12000, 0, 0),
    "locked_cancel_lt12_split_50_50": (6000, 5280, 0),
    "instructor_cancel_full_refund": (0, 0, None),
    "instructor_no_show_full_refund": (0, 0, None),
    "mutual_no_show_full_refund": (0, 0, None),
    "student_no_show_full_payout": (0, 10560, 0),
    "student_wins_dispute_full_refund": (0, 0, None),
    "dispute_won": (None, None, None),
    "capture_failure_instructor_paid": (0, 10560, 0),
    "admin_refund": (None, None, None),
    "entitlement_returned": (0, 0, 0),
    "package_paid": (0, 0, None),
    "package_not_paid": (0, 0, 0),
    "package_refused_full_refund": (0, 0, None),
}
ALL_TERMS: list[Terms] = [
    COMPLETED,
    UNPAID,
    *(row.terms for row in ROWS),
    *(row.terms for row in packages.ROWS),
    *(ruling.terms for ruling in RULINGS.values()),
    *(review_terms(resolution=r, locked=locked) for r in Resolution if r != "resume" for locked in (True, False)),
]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_is_recorded_of_a_lesson_at_120_dollars(outcome: Outcome) -> None:
    assert recorded(outcome, REFERENCE) == Recorded(*OF_120_DOLLARS[outcome])


def test_odd_halves_are_rounded_up() -> None:
    from bookings.policy.pricing import quote_of_price

    odd = quote_of_price(lesson_price_cents=12345, commission_bps=1000)
    assert odd.payout_full_cents == 11110  # 12345 − 1235 (1234.5)
    assert recorded(Outcome.CANCEL_LAST_MINUTE, odd) == Recorded(6173, 5555, 0)


@given(st.sampled_from(ALL_TERMS), quotes())
def test_terms_pay_what_their_row_records(terms: Terms, amounts: Amounts) -> None:
    row = recorded(terms.outcome, amounts)
    assert row.credit_cents in (None, terms.credit_cents(amounts))
    assert row.payout_cents in (None, terms.payout_cents(amounts))


@pytest.mark.parametrize("terms", ALL_TERMS, ids=lambda terms: str(terms.outcome))
def test_steps_make_sense_in_their_order(terms: Terms) -> None:
    order = (Step.CANCEL_INTENT, Step.AUTHORIZE, Step.CAPTURE, Step.REVERSE_ALL, Step.REFUND_ALL, Step.PAY)
    assert list(terms.steps) == sorted(terms.steps, key=order.index)
    assert (terms.pays is not Share.NOTHING) == (Step.PAY in terms.steps)
    if Step.REFUND_ALL in terms.steps:
        assert (terms.pays, terms.credits) == (Share.NOTHING, Credits.RELEASE)
    if Step.CANCEL_INTENT in terms.steps:
        assert Step.CAPTURE not in terms.steps


@pytest.mark.parametrize(
    ("who", "verdict", "outcome", "credits", "pays", "becomes"),
    [
        (Who.INSTRUCTOR, Verdict.CONFIRMED, Outcome.INSTRUCTOR_NO_SHOW, Credits.RELEASE, Share.NOTHING, Ends.NO_SHOW),
        (Who.INSTRUCTOR, Verdict.REJECTED, Outcome.LESSON_COMPLETED, Credits.CONSUME, Share.ALL, Ends.COMPLETED),
        (Who.STUDENT, Verdict.CONFIRMED, Outcome.STUDENT_NO_SHOW, Credits.FORFEIT, Share.ALL, Ends.NO_SHOW),
        (Who.STUDENT, Verdict.REJECTED, Outcome.INSTRUCTOR_NO_SHOW, Credits.RELEASE, Share.NOTHING, Ends.NO_SHOW),
        (Who.BOTH, Verdict.CONFIRMED, Outcome.MUTUAL_NO_SHOW, Credits.RELEASE, Share.NOTHING, Ends.NO_SHOW),
        (Who.BOTH, Verdict.REJECTED, Outcome.LESSON_COMPLETED, Credits.CONSUME, Share.ALL, Ends.COMPLETED),
    ],
)
def test_every_ruling(
    who: Who, verdict: Verdict, outcome: Outcome, credits: Credits, pays: Share, becomes: Ends
) -> None:
    ruling = RULINGS[who, verdict]
    assert (ruling.terms.outcome, ruling.terms.credits, ruling.terms.pays) == (outcome, credits, pays)
    assert ruling.booking_becomes is becomes


@pytest.mark.parametrize(
    ("resolution", "locked", "outcome", "pays"),
    [
        (Resolution.FULL_PAYOUT, False, Outcome.LESSON_COMPLETED, Share.ALL),
        (Resolution.FULL_PAYOUT, True, Outcome.LESSON_COMPLETED, Share.ALL),
        (Resolution.FULL_REFUND, False, Outcome.STUDENT_WINS_DISPUTE, Share.NOTHING),
        (Resolution.FULL_REFUND, True, Outcome.STUDENT_WINS_DISPUTE, Share.NOTHING),
        (Resolution.SPLIT, False, Outcome.CANCEL_LAST_MINUTE, Share.HALF),
        (Resolution.SPLIT, True, Outcome.LOCKED_CANCEL_LAST_MINUTE, Share.HALF),
    ],
)
def test_every_end_of_a_review(resolution: Resolution, locked: bool, outcome: Outcome, pays: Share) -> None:
    terms = review_terms(resolution=resolution, locked=locked)
    assert (terms.outcome, terms.pays) == (outcome, pays)


def test_resuming_decides_nothing() -> None:
    with pytest.raises(KeyError):
        review_terms(resolution=Resolution.RESUME, locked=False)


@given(notices, st.integers(15, 240).map(lambda minutes: timedelta(minutes=minutes)))
def test_reports_from_the_start_to_a_day_after_the_end(since_start: timedelta, length: timedelta) -> None:
    now, ends_at = START + since_start, START + length
    if START <= now <= ends_at + 24 * HOUR:
        refuse_report_outside(starts_at=START, ends_at=ends_at, now=now)
        return
    with pytest.raises(NoShowWindowClosed) as closed:
        refuse_report_outside(starts_at=START, ends_at=ends_at, now=now)
    assert closed.value.fields["opens_at"] == START.isoformat()


@pytest.mark.parametrize(("late", "refused"), [(-SECOND, False), (timedelta(), False), (SECOND, True)])
def test_the_last_second_of_a_dispute(late: timedelta, refused: bool) -> None:
    if not refused:
        refuse_dispute_after(window_ends=START, now=START + late)
        return
    with pytest.raises(DisputeWindowClosed):
        refuse_dispute_after(window_ends=START, now=START + late)
