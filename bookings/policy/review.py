"""How support ends a review (policy 7: completion dispute and its three ends)."""

from enum import StrEnum

from payments.vocabulary import Outcome

from .terms import Credits, Share, Step, Terms


class Resolution(StrEnum):
    FULL_PAYOUT = "full_payout"
    FULL_REFUND = "full_refund"
    SPLIT = "split_50_50"
    RESUME = "resume"


FULL_PAYOUT = Terms(Outcome.LESSON_COMPLETED, (Step.AUTHORIZE, Step.CAPTURE, Step.PAY), Credits.CONSUME, Share.ALL)
FULL_REFUND = Terms(Outcome.STUDENT_WINS_DISPUTE, (Step.CANCEL_INTENT, Step.REFUND_ALL), Credits.RELEASE)
SPLIT = Terms(
    Outcome.CANCEL_LAST_MINUTE,
    (Step.AUTHORIZE, Step.CAPTURE, Step.REVERSE_ALL, Step.PAY),
    Credits.BACK_TO_HALF,
    Share.HALF,
)
LOCKED_SPLIT = Terms(Outcome.LOCKED_CANCEL_LAST_MINUTE, (Step.PAY,), Credits.BACK_TO_HALF, Share.HALF)


def review_terms(*, resolution: Resolution, locked: bool) -> Terms:
    """The terms of a staff decision; `resume` has none. Raises KeyError for it."""
    if resolution is Resolution.SPLIT and locked:
        return LOCKED_SPLIT
    return {Resolution.FULL_PAYOUT: FULL_PAYOUT, Resolution.FULL_REFUND: FULL_REFUND, Resolution.SPLIT: SPLIT}[
        resolution
    ]
