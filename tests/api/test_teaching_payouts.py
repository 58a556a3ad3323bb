"""Being paid at once, through the API: the fee first, then the money, once."""

from common import clock
from payments import gateway
from tests.support.cast import Cast

from .talking import Api


def test_the_fee_is_shown_before_and_taken_once(cast: Cast, instructor_api: Api, student_api: Api) -> None:
    account = cast.instructor.stripe_account_id
    gateway.create_transfer(params={"amount": 5_280, "currency": "usd", "destination": account}, key="earned")
    assert instructor_api.get("instructor/balance") == {
        "pending_cents": 0, "available_cents": 5_280, "instant_available_cents": 5_280,
    }  # fmt: skip
    quote = instructor_api.get("payments/instant-payout/quote")
    assert quote == {
        "amount_cents": 5_280, "fee_cents": 106, "fee_bps": 200, "payout_cents": 5_174, "available_cents": 5_280,
        "minimum_cents": 100,
    }  # fmt: skip
    assert instructor_api.get("payments/instant-payout/quote", amount_cents=125)["fee_cents"] == 3
    short = instructor_api.get("payments/instant-payout/quote", 422, amount_cents=5_281)
    assert (short["code"], short["available_cents"]) == ("insufficient_balance", 5_280)
    assert instructor_api.get("payments/instant-payout/quote", 400, amount_cents="all")["code"] == "invalid"
    assert student_api.post("payments/instant-payout", 403)["code"] == "permission_denied"

    paid = instructor_api.post("payments/instant-payout", 201, key="once", amount_cents=5_000)
    assert (paid["amount_cents"], paid["fee_cents"], paid["payout_cents"]) == (5_000, 100, 4_900)
    assert (paid["status"], paid["payout_id"][:3]) == ("pending", "po_")
    assert instructor_api.post("payments/instant-payout", 201, key="once", amount_cents=5_000) == paid
    assert instructor_api.get("instructor/balance")["available_cents"] == 280
    small = instructor_api.post("payments/instant-payout", 422, amount_cents=99)
    assert (small["code"], small["minimum_cents"]) == ("payout_too_small", 100)
    [row] = instructor_api.get("instructor/payouts")["results"]
    assert (row["id"], row["amount_cents"], row["fee_cents"]) == (paid["payout_id"], 4_900, 100)
    assert (row["method"], row["failure_reason"]) == ("instant", None)
    assert row["arrival_at"] > f"{clock.now():%Y-%m-%dT%H:%M}"
