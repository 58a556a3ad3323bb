"""What a decision about money consists of: steps at Stripe, what becomes of the credits, what it is called."""

from dataclasses import dataclass
from enum import StrEnum

from common.money import half
from payments.vocabulary import Outcome

from .pricing import Amounts


class Step(StrEnum):
    """A step reads "make it so": what is already so is skipped."""

    CANCEL_INTENT = "cancel_intent"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    REVERSE_ALL = "reverse_all"
    PAY = "pay"
    REFUND_ALL = "refund_all"


class Share(StrEnum):
    """How much of P is paid, or of LP comes back as credit."""

    NOTHING = "nothing"
    HALF = "half"
    ALL = "all"

    def of(self, amount_cents: int) -> int:
        return {Share.NOTHING: 0, Share.HALF: half(amount_cents), Share.ALL: amount_cents}[self]


class Credits(StrEnum):
    """What becomes of the credits reserved for the lesson (policy 5, 8)."""

    RELEASE = "release"
    BACK_TO_PRICE = "back_to_price"
    BACK_TO_HALF = "back_to_half"
    CONSUME = "consume"
    FORFEIT = "forfeit"


@dataclass(frozen=True, slots=True)
class Terms:
    """One row of the policy: the steps in order, the instructor's share of P, the credits, and the outcome's name."""

    outcome: Outcome
    steps: tuple[Step, ...]
    credits: Credits
    pays: Share = Share.NOTHING

    def payout_cents(self, amounts: Amounts) -> int:
        return self.pays.of(amounts.payout_full_cents)

    def credit_cents(self, amounts: Amounts) -> int:
        """What comes back to the student as credit, released and new together."""
        if self.credits is Credits.BACK_TO_PRICE:
            return amounts.lesson_price_cents
        return half(amounts.lesson_price_cents) if self.credits is Credits.BACK_TO_HALF else 0

    @property
    def refunds(self) -> bool:
        return Step.REFUND_ALL in self.steps


COMPLETED = Terms(Outcome.LESSON_COMPLETED, (Step.CAPTURE, Step.PAY), Credits.CONSUME, Share.ALL)
UNPAID = Terms(Outcome.CANCEL_NO_CHARGE, (Step.CANCEL_INTENT,), Credits.RELEASE)
