"""What a lesson costs and who gets what (policy 1): for any price, commission and credit."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.policy.pricing import Amounts, PriceBelowFloor, quote, quote_of_price, refuse_below_floor
from common.money import half, half_up, share, split

from .money import commissions, prices, quotes


@given(quotes())
def test_every_cent_has_one_place(amounts: Amounts) -> None:
    price, fee = amounts.lesson_price_cents, amounts.student_fee_cents
    assert amounts.card_amount_cents + amounts.credits_cents == price + fee
    assert amounts.payout_full_cents + amounts.instructor_commission_cents == price
    assert amounts.card_amount_cents >= fee
    assert min(amounts.application_fee_cents, amounts.top_up_cents) == 0
    assert amounts.application_fee_cents - amounts.top_up_cents == amounts.card_amount_cents - amounts.payout_full_cents
    assert amounts.automatic_transfer_cents == amounts.card_amount_cents - amounts.application_fee_cents
    assert amounts.automatic_transfer_cents + amounts.top_up_cents == amounts.payout_full_cents


@given(quotes())
def test_the_platform_keeps_both_fees_less_the_credit(amounts: Amounts) -> None:
    kept = amounts.card_amount_cents - amounts.payout_full_cents
    assert kept == amounts.student_fee_cents + amounts.instructor_commission_cents - amounts.credits_cents


@given(quotes(), st.data())
def test_credit_changes_the_card_and_nothing_else(amounts: Amounts, data: st.DataObject) -> None:
    credits = data.draw(st.integers(0, amounts.lesson_price_cents))
    other = amounts.with_credits(credits)
    assert other.card_amount_cents - amounts.card_amount_cents == amounts.credits_cents - credits
    for frozen in ("lesson_price_cents", "student_fee_cents", "instructor_commission_cents", "payout_full_cents"):
        assert getattr(other, frozen) == getattr(amounts, frozen)


@given(quotes(), st.integers(1, 10_000))
def test_credit_beyond_the_price_is_refused(amounts: Amounts, more: int) -> None:
    for credits in (-more, amounts.lesson_price_cents + more):
        with pytest.raises(ValueError, match="Credits must be"):
            amounts.with_credits(credits)


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_half_up_rounds_as_people_do(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert abs(2 * (half_up(numerator, denominator) * denominator - numerator)) <= denominator
    if numerator < 10**9:
        assert half_up(numerator, denominator) == exact


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 2), (1, 0), (1, -3)])
def test_half_up_takes_no_debts(numerator: int, denominator: int) -> None:
    with pytest.raises(ValueError, match="half_up takes"):
        half_up(numerator, denominator)


@given(prices, commissions)
def test_shares_grow_with_the_amount_and_never_exceed_it(cents: int, bps: int) -> None:
    assert 0 <= share(cents, bps) <= cents
    assert share(cents, bps) <= share(cents + 1, bps) <= share(cents, bps) + 1
    assert half(cents) == (cents + 1) // 2


@given(prices, st.lists(st.integers(0, 10_000), min_size=1, max_size=6))
def test_a_split_adds_up(cents: int, weights: list[int]) -> None:
    parts = split(cents, weights)
    assert sum(parts) == (cents if sum(weights) else 0)
    assert all(part >= 0 for part in parts)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(0, 100_000), st.integers(1, 720), commissions)
def test_a_quote_is_the_rate_for_the_minutes(rate: int, minutes: int, bps: int) -> None:
    amounts = quote(hourly_rate_cents=rate, minutes=minutes, commission_bps=bps)
    assert amounts == quote_of_price(lesson_price_cents=half_up(rate * minutes, 60), commission_bps=bps)
    assert amounts.commission_bps == bps


@pytest.mark.parametrize(
    ("price", "bps", "credits", "fee", "commission", "payout", "card", "application_fee", "top_up"),
    [
        (12000, 1200, 0, 1440, 1440, 10560, 13440, 2880, 0),
        (12000, 1200, 2000, 1440, 1440, 10560, 11440, 880, 0),
        (12000, 1200, 5000, 1440, 1440, 10560, 8440, 0, 2120),
        (12000, 1200, 12000, 1440, 1440, 10560, 1440, 0, 9120),
        (12345, 1200, 0, 1481, 1481, 10864, 13826, 2962, 0),
        (8030, 1500, 0, 964, 1205, 6825, 8994, 2169, 0),
    ],
)
def test_the_reference_cases(
    price: int, bps: int, credits: int, fee: int, commission: int, payout: int, card: int, application_fee: int, top_up: int
) -> None:  # fmt: skip
    assert quote_of_price(lesson_price_cents=price, commission_bps=bps, credits_cents=credits) == Amounts(
        lesson_price_cents=price,
        student_fee_cents=fee,
        commission_bps=bps,
        instructor_commission_cents=commission,
        payout_full_cents=payout,
        credits_cents=credits,
        card_amount_cents=card,
        application_fee_cents=application_fee,
        top_up_cents=top_up,
    )


@given(st.integers(1, 720), st.booleans(), st.integers(0, 200_000))
def test_the_floor_is_for_an_hour_and_pro_rated(minutes: int, online: bool, price: int) -> None:
    floor = half_up((6000 if online else 8000) * minutes, 60)
    if price >= floor:
        refuse_below_floor(lesson_price_cents=price, minutes=minutes, online=online)
        return
    with pytest.raises(PriceBelowFloor) as refused:
        refuse_below_floor(lesson_price_cents=price, minutes=minutes, online=online)
    modality = "online" if online else "in_person"
    assert refused.value.code == "price_below_floor"
    assert refused.value.status == 422
    assert refused.value.fields == {
        "modality": modality,
        "minutes": minutes,
        "base_price_cents": price,
        "floor_price_cents": floor,
    }
