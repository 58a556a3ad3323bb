"""What a lesson costs and who gets what (policy 1)."""

from dataclasses import dataclass, replace

from common.money import half_up, share
from common.problems import Refused

from .rates import DEFAULT, Rates

STUDENT_FEE_BPS = DEFAULT.student_fee_bps
PRICE_FLOOR_CENTS = DEFAULT.floors  # for 60 minutes


@dataclass(frozen=True, slots=True)
class Amounts:
    """Every amount of one lesson in cents, frozen when it is quoted."""

    lesson_price_cents: int
    student_fee_cents: int
    commission_bps: int
    instructor_commission_cents: int
    payout_full_cents: int
    credits_cents: int
    card_amount_cents: int
    application_fee_cents: int
    top_up_cents: int

    @property
    def automatic_transfer_cents(self) -> int:
        """T: what the instructor nets from the charge itself."""
        return min(self.card_amount_cents, self.payout_full_cents)

    def with_credits(self, credits_cents: int) -> "Amounts":
        """The same quote paid partly with credits. Raises ValueError outside 0 … lesson price."""
        if not 0 <= credits_cents <= self.lesson_price_cents:
            raise ValueError(f"Credits must be from 0 to {self.lesson_price_cents}, not {credits_cents}")
        card = self.lesson_price_cents - credits_cents + self.student_fee_cents
        return replace(
            self,
            credits_cents=credits_cents,
            card_amount_cents=card,
            application_fee_cents=max(0, card - self.payout_full_cents),
            top_up_cents=max(0, self.payout_full_cents - card),
        )


class PriceBelowFloor(Refused):
    """The lesson would cost less than the floor for its modality."""

    code, title = "price_below_floor", "The price is below the floor for this kind of lesson"
    remedy = "Raise the price of the service to `floor_price_cents` or more."


def quote(
    *, hourly_rate_cents: int, minutes: int, commission_bps: int, credits_cents: int = 0, rates: Rates = DEFAULT
) -> Amounts:
    """Price a lesson. Amounts in cents, rates in basis points, everything half-up (policy 1)."""
    price = half_up(hourly_rate_cents * minutes, 60)
    return quote_of_price(
        lesson_price_cents=price, commission_bps=commission_bps, credits_cents=credits_cents, rates=rates
    )


def quote_of_price(
    *, lesson_price_cents: int, commission_bps: int, credits_cents: int = 0, rates: Rates = DEFAULT
) -> Amounts:
    """Price a lesson whose price is known."""
    commission = share(lesson_price_cents, commission_bps)
    bare = Amounts(
        lesson_price_cents=lesson_price_cents,
        student_fee_cents=share(lesson_price_cents, rates.student_fee_bps),
        commission_bps=commission_bps,
        instructor_commission_cents=commission,
        payout_full_cents=lesson_price_cents - commission,
        credits_cents=0,
        card_amount_cents=0,
        application_fee_cents=0,
        top_up_cents=0,
    )
    return bare.with_credits(credits_cents)


def refuse_below_floor(*, lesson_price_cents: int, minutes: int, online: bool, rates: Rates = DEFAULT) -> None:
    """Raises PriceBelowFloor with modality, minutes, base and floor when a lesson is too cheap (policy 1)."""
    modality = "online" if online else "in_person"
    floor = half_up(rates.floors[modality] * minutes, 60)
    if lesson_price_cents < floor:
        raise PriceBelowFloor(
            f"{minutes} minutes {modality.replace('_', ' ')} cost at least {floor} cents; this price is {lesson_price_cents}.",
            modality=modality,
            minutes=minutes,
            base_price_cents=lesson_price_cents,
            floor_price_cents=floor,
        )
