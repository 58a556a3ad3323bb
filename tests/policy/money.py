"""Quotes and instants for the rules to be held against."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bookings.policy.pricing import Amounts, quote_of_price
from bookings.policy.terms import Credits, Step, Terms

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
START = datetime(2030, 3, 10, 18, tzinfo=UTC)
REFERENCE = quote_of_price(lesson_price_cents=12000, commission_bps=1200)
TIERS = (800, 1000, 1200, 1500)

prices = st.integers(0, 5_000_000)
commissions = st.sampled_from(TIERS) | st.integers(0, 10_000)
notices = st.integers(-48 * 3600, 30 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def quotes(draw: st.DrawFn) -> Amounts:
    """Any lesson at any commission, paid with any credit from nothing to its whole price."""
    price = draw(prices)
    return quote_of_price(
        lesson_price_cents=price, commission_bps=draw(commissions), credits_cents=draw(st.integers(0, price))
    )


def students_value(terms: Terms, amounts: Amounts, *, captured: bool) -> int:
    """What a student has, in cents, of what the lesson would cost them: uncharged or refunded, and in credit."""
    keeps_card = amounts.card_amount_cents if not captured and Step.CAPTURE not in terms.steps else 0
    if Step.REFUND_ALL in terms.steps and captured:
        keeps_card = amounts.card_amount_cents
    released = amounts.credits_cents if terms.credits is Credits.RELEASE else 0
    return keeps_card + released + terms.credit_cents(amounts)
