"""Where the money goes: destination charges, refunds, reversals, transfers, and the books behind them."""

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_sandbox.shapes import half_up

from .conftest import Process
from .payments import available, fund, hold, pay, pending

DAY = 86400


def entries(api: stripe.StripeClient, account: str | None = None) -> list[tuple[str, int, int, str]]:
    """Balance transactions, oldest first: (type, amount, net, prefix of the source)."""
    page = api.v1.balance_transactions.list({"limit": 100}, {"stripe_account": account} if account else {})
    return [(each.type, each.amount, each.net, str(each.source).split("_")[0]) for each in reversed(page.data)]


def test_a_destination_charge_in_balance_transactions(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, amount=10000, fee=1500)
    assert entries(api) == [
        ("charge", 10000, 9680, "ch"),
        ("transfer", -10000, -10000, "tr"),
        ("application_fee", 1500, 1500, "fee"),
    ]
    assert entries(api, account.id) == [("payment", 10000, 8500, "py")]
    charge = api.v1.charges.retrieve(
        str(intent.latest_charge),
        {"expand": ["transfer.destination_payment", "application_fee", "balance_transaction"]},
    )
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert [detail.type for detail in charge.balance_transaction.fee_details] == ["stripe_fee"]
    assert isinstance(charge.transfer, stripe.Transfer)
    assert isinstance(charge.application_fee, stripe.ApplicationFee)
    payment = charge.transfer.destination_payment
    assert isinstance(payment, stripe.Charge)
    assert charge.application_fee.charge == payment.id
    assert charge.application_fee.originating_transaction == charge.id
    assert charge.transfer_group == f"group_{intent.id}" == charge.transfer.transfer_group
    own = api.v1.charges.retrieve(payment.id, {"expand": ["balance_transaction"]}, {"stripe_account": account.id})
    assert isinstance(own.balance_transaction, stripe.BalanceTransaction)
    assert [detail.type for detail in own.balance_transaction.fee_details] == ["application_fee"]
    assert [fee.id for fee in api.v1.application_fees.list({"charge": charge.id})] == [charge.application_fee.id]


def test_card_funds_are_available_after_two_days(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    sandbox.control("POST", "clock", frozen=True)
    pay(api, customer, account, amount=10000, fee=1500)
    assert (available(api, account.id), pending(api, account.id)) == (0, 8500)
    assert (available(api), pending(api)) == (0, 9680 - 8500)
    sandbox.advance(2 * DAY - 1)
    assert available(api, account.id) == 0
    sandbox.advance(1)
    assert (available(api, account.id), pending(api, account.id)) == (8500, 0)
    assert api.v1.events.list({"type": "balance.available"}).data
    own = api.v1.events.list({"type": "balance.available"}, {"stripe_account": account.id}).data
    assert own
    assert own[0].account == account.id


def test_a_plain_refund_leaves_transfer_and_fee_alone(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, fee=1500)
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.amount, refund.status, refund.transfer_reversal) == (10000, "succeeded", None)
    assert entries(api)[3:] == [("refund", -10000, -10000, "re")]
    assert entries(api, account.id) == [("payment", 10000, 8500, "py")]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "charge_already_refunded"


def test_a_refund_reverses_and_returns_the_fee_in_proportion(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, fee=1500)
    before = api.v1.events.list({"limit": 1}).data[0].id
    refund = api.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 2500, "reverse_transfer": True, "refund_application_fee": True}
    )
    assert entries(api)[3:] == [
        ("refund", -2500, -2500, "re"),
        ("transfer_refund", 2500, 2500, "trr"),
        ("application_fee_refund", -375, -375, "fr"),
    ]
    assert entries(api, account.id)[1:] == [("payment_refund", -2500, -2500, "pyr"), ("adjustment", 375, 375, "fr")]
    newer = reversed(api.v1.events.list({"ending_before": before, "limit": 100}).data)
    assert [event.type for event in newer] == [
        "refund.created",
        "charge.refunded",
        "transfer.reversed",
        "application_fee.refunded",
    ]
    charge = api.v1.charges.retrieve(str(intent.latest_charge), {"expand": ["refunds", "transfer"]})
    assert (charge.amount_refunded, charge.refunded) == (2500, False)
    assert charge.refunds
    assert [each.id for each in charge.refunds.data] == [refund.id]
    assert isinstance(charge.transfer, stripe.Transfer)
    reversal = charge.transfer.reversals.data[0]
    assert (reversal.id, reversal.source_refund) == (refund.transfer_reversal, refund.id)
    back = api.v1.refunds.retrieve(str(reversal.destination_payment_refund), options={"stripe_account": account.id})
    assert back.source_transfer_reversal == reversal.id


def test_a_hold_cannot_be_refunded(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = hold(api, customer)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "payment_intent_unexpected_state"


def test_refunds_never_exceed_the_charge(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = pay(api, customer)
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 6000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        api.v1.refunds.create({"payment_intent": intent.id, "amount": 4001})
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 4000})


def test_reversals_in_parts_with_the_fee(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, fee=1500)
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    transfer = str(charge.transfer)
    first = api.v1.transfers.reversals.create(transfer, {"amount": 4000, "refund_application_fee": True})
    second = api.v1.transfers.reversals.create(transfer)
    assert (first.amount, second.amount) == (4000, 6000)
    after = api.v1.transfers.retrieve(transfer)
    assert (after.amount_reversed, after.reversed) == (10000, True)
    assert [each.id for each in api.v1.transfers.reversals.list(transfer)] == [second.id, first.id]
    fee = api.v1.application_fees.retrieve(str(charge.application_fee))
    assert (fee.amount_refunded, fee.refunded, len(fee.refunds.data)) == (600, False, 1)
    with pytest.raises(stripe.InvalidRequestError, match="fully reversed") as refusal:
        api.v1.transfers.reversals.create(transfer, {"amount": 1})
    assert (refusal.value.code, refusal.value.http_status) == (None, 400)
    refund = api.v1.application_fees.refunds.create(fee.id)
    assert (refund.amount, refund.fee) == (900, fee.id)


def test_a_negative_account_is_covered_by_a_reserve_on_the_platform(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    fund(api, customer)
    intent = pay(api, customer, account, fee=1500)
    sandbox.advance(3 * DAY)
    api.v1.payouts.create({"amount": 8500, "currency": "usd"}, {"stripe_account": account.id})
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    had = available(api)
    api.v1.transfers.reversals.create(str(charge.transfer))
    assert available(api, account.id) == -10000
    assert available(api) == had + 10000 - 10000
    reserved = api.v1.balance.retrieve().connect_reserved
    assert reserved
    assert reserved[0].amount == 10000
    assert entries(api)[-1][:2] == ("reserved_funds", -10000)
    api.v1.transfers.create({"amount": 4000, "currency": "usd", "destination": account.id})
    assert entries(api)[-1][:2] == ("reserved_funds", 4000)


def test_a_free_transfer_needs_available_funds_on_both_ways(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.transfers.create({"amount": 5000, "currency": "usd", "destination": account.id})
    assert refusal.value.code == "balance_insufficient"
    pay(api, customer)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.transfers.create({"amount": 5000, "currency": "usd", "destination": account.id})
    fund(api, customer, 10000)
    transfer = api.v1.transfers.create(
        {
            "amount": 5000,
            "currency": "usd",
            "destination": account.id,
            "transfer_group": "booking_1",
            "metadata": {"movement": "m1"},
        }
    )
    assert available(api, account.id) == 5000
    assert [each.id for each in api.v1.transfers.list({"transfer_group": "booking_1"})] == [transfer.id]
    api.v1.payouts.create({"amount": 3000, "currency": "usd"}, {"stripe_account": account.id})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.transfers.reversals.create(transfer.id)
    assert refusal.value.code == "balance_insufficient"
    api.v1.transfers.reversals.create(transfer.id, {"amount": 2000})
    assert available(api, account.id) == 0


def test_a_transfer_out_of_a_charges_funds(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    charge = str(pay(api, customer).latest_charge)
    made = api.v1.transfers.create(
        {"amount": 7000, "currency": "usd", "destination": account.id, "source_transaction": charge}
    )
    assert (made.source_transaction, made.transfer_group) == (charge, f"group_{charge}")
    assert (available(api, account.id), pending(api, account.id)) == (0, 7000)
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
        api.v1.transfers.create(
            {"amount": 3001, "currency": "usd", "destination": account.id, "source_transaction": charge}
        )
    sandbox.advance(2 * DAY)
    assert available(api, account.id) == 7000


def test_an_account_that_is_not_onboarded_gets_no_money(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    fresh = api.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    assert (fresh.charges_enabled, fresh.payouts_enabled, fresh.details_submitted) == (False, False, False)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        pay(api, customer, fresh, fee=100)
    assert refusal.value.code == "insufficient_capabilities_for_transfer"


def test_money_in_is_money_out_plus_balances(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    fund(api, customer)
    intent = pay(api, customer, account, amount=12345, fee=1851)
    api.v1.refunds.create({"payment_intent": intent.id, "amount": 3333, "reverse_transfer": True})
    sandbox.advance(3 * DAY)
    api.v1.payouts.create({"amount": 5000, "currency": "usd"}, {"stripe_account": account.id})
    ledger = sandbox.control("GET", "ledger?objects=1")
    held = sum(sum(side.values()) for each in ledger["accounts"].values() for side in each.values())
    outside = {name: amounts["usd"] for name, amounts in ledger["outside"].items()}
    assert -outside["cards"] == 1_000_000 + 12345 - 3333
    assert -outside["cards"] == outside["bank"] + outside["stripe_fees"] + held
    assert ledger["trial_balance"] == {"usd": 0}
    charge = str(intent.latest_charge)
    assert [entry["type"] for entry in ledger["objects"][charge]] == ["charge"]


@settings(max_examples=200)
@given(amount=st.integers(50, 10**7), fee=st.integers(0, 10**7), part=st.integers(1, 10**7))
def test_a_share_is_never_more_than_the_whole(amount: int, fee: int, part: int) -> None:
    fee, part = min(fee, amount), min(part, amount)
    assert 0 <= half_up(fee, part, amount) <= fee
    assert half_up(fee, amount, amount) == fee


@pytest.mark.parametrize(("amount", "fee"), [(10000, 320), (50, 31), (5017, 175), (1000, 59), (1500, 74)])
def test_stripes_fee_is_rounded_half_up(
    api: stripe.StripeClient, customer: stripe.Customer, amount: int, fee: int
) -> None:
    pay(api, customer, amount=amount)
    assert entries(api)[-1][2] == amount - fee


def test_a_connected_account_transfers_to_the_platform_alone(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    pay(api, customer, account, amount=10000, fee=1500, card="pm_card_bypassPending")
    platform, own = api.v1.accounts.retrieve_current().id, {"stripe_account": account.id}
    before = available(api)
    made = api.v1.transfers.create({"amount": 500, "currency": "usd", "destination": platform}, own)  # type: ignore[arg-type]
    assert (available(api, account.id), available(api)) == (8000, before + 500)
    assert entries(api)[-1] == ("payment", 500, 500, "py")
    assert entries(api, account.id)[-1] == ("transfer", -500, -500, "tr")
    assert [each.id for each in api.v1.transfers.list(options=own)] == [made.id]  # type: ignore[arg-type]
    for amount, destination, code in ((8001, platform, "balance_insufficient"), (1, account.id, "resource_missing")):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            api.v1.transfers.create({"amount": amount, "currency": "usd", "destination": destination}, own)  # type: ignore[arg-type]
        assert refusal.value.code == code
    assert available(api, account.id) == 8000
