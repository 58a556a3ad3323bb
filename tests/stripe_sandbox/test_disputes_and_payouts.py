"""Chargebacks, and money that leaves for the bank."""

import time

import pytest
import stripe

from .conftest import Process
from .payments import available, fund, pay

DAY = 86400


def events_of(api: stripe.StripeClient, pattern: str, account: str | None = None) -> list[str]:
    options: stripe.RequestOptions = {"stripe_account": account} if account else {}
    return [event.type for event in reversed(api.v1.events.list({"type": pattern, "limit": 100}, options).data)]


def test_a_won_dispute_brings_the_amount_back_but_not_the_fee(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    fund(api, customer)
    intent = pay(api, customer, account, fee=1500)
    had = available(api)
    dispute = sandbox.control("POST", "disputes", charge=intent.latest_charge, reason="product_not_received")
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 10000)
    assert available(api) == had - 11500
    entry = dispute["balance_transactions"][0]
    assert (entry["amount"], entry["fee"], entry["net"], entry["reporting_category"]) == (
        -10000,
        1500,
        -11500,
        "dispute",
    )
    assert api.v1.charges.retrieve(str(intent.latest_charge)).disputed
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "charge_disputed"
    sandbox.control("POST", f"disputes/{dispute['id']}/close", status="won")
    assert available(api) == had - 1500
    won = api.v1.disputes.retrieve(dispute["id"])
    assert (won.status, len(won.balance_transactions)) == ("won", 2)
    assert events_of(api, "charge.dispute.*") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert [each.id for each in api.v1.disputes.list({"payment_intent": intent.id})] == [won.id]


def test_a_lost_dispute(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    intent = pay(api, customer)
    dispute = sandbox.control("POST", "disputes", charge=intent.latest_charge)
    closed = api.v1.disputes.close(dispute["id"])
    assert closed.status == "lost"
    assert events_of(api, "charge.dispute.*")[-2:] == ["charge.dispute.updated", "charge.dispute.closed"]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute["id"])


@pytest.mark.parametrize(("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_decides(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, text: str, status: str
) -> None:
    intent = pay(api, customer)
    dispute = sandbox.control("POST", "disputes", charge=intent.latest_charge)
    draft = api.v1.disputes.update(dispute["id"], {"evidence": {"product_description": "a lesson"}, "submit": False})
    assert (draft.status, draft.evidence.product_description) == ("needs_response", "a lesson")
    sent = api.v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": text}, "submit": True})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    sandbox.advance(1)
    assert api.v1.disputes.retrieve(dispute["id"]).status == status


def test_the_card_that_is_disputed_by_itself_and_the_one_that_only_asks(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    pay(api, customer, card="pm_card_createDispute")
    asked = pay(api, customer, card="pm_card_createDisputeInquiry")
    sandbox.advance(1)
    assert [dispute.status for dispute in api.v1.disputes.list()] == ["warning_needs_response", "needs_response"]
    inquiry = api.v1.disputes.list({"payment_intent": asked.id}).data[0]
    assert inquiry.balance_transactions == []
    sandbox.control("POST", f"disputes/{inquiry.id}/close", status="warning_closed")
    assert api.v1.refunds.create({"payment_intent": asked.id}).status == "succeeded"


def test_a_payout_is_paid_when_it_arrives_and_can_fail_afterwards(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    pay(api, customer, account, card="pm_card_bypassPending", fee=1500)
    own: stripe.RequestOptions = {"stripe_account": account.id}
    payout = api.v1.payouts.create({"amount": 5000, "currency": "usd", "metadata": {"week": "1"}}, own)
    assert (payout.status, payout.method, payout.arrival_date) == ("pending", "standard", payout.created + 2 * DAY)
    assert available(api, account.id) == 3500
    sandbox.advance(2 * DAY)
    assert api.v1.payouts.retrieve(payout.id, options=own).status == "paid"
    failed = sandbox.control("POST", f"payouts/{payout.id}/fail")
    assert (failed["status"], failed["failure_code"]) == ("failed", "could_not_process")
    assert available(api, account.id) == 8500
    assert events_of(api, "payout.*", account.id) == ["payout.created", "payout.paid", "payout.failed"]
    assert [each.id for each in api.v1.payouts.list({"status": "failed"}, own)] == [payout.id]


def test_an_instant_payout_arrives_within_the_hour(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    pay(api, customer, account, card="pm_card_bypassPending", fee=1500)
    own: stripe.RequestOptions = {"stripe_account": account.id}
    instant = api.v1.balance.retrieve(options=own).instant_available
    assert instant
    assert instant[0].amount == 8500
    payout = api.v1.payouts.create({"amount": 8500, "currency": "usd", "method": "instant"}, own)
    sandbox.advance(1800)
    assert api.v1.payouts.retrieve(payout.id, options=own).status == "paid"


def test_payouts_that_are_refused(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    fresh = api.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.payouts.create({"amount": 100, "currency": "usd"}, {"stripe_account": fresh.id})
    assert refusal.value.code == "payouts_not_allowed"
    own: stripe.RequestOptions = {"stripe_account": account.id}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.payouts.create({"amount": 100, "currency": "usd"}, own)
    assert refusal.value.code == "balance_insufficient"
    sandbox.control("POST", f"accounts/{fresh.id}/onboard", instant=False)
    pay(api, customer, fresh, card="pm_card_bypassPending", fee=1500)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.payouts.create({"amount": 100, "currency": "usd", "method": "instant"}, {"stripe_account": fresh.id})
    assert refusal.value.code == "instant_payouts_unsupported"


def test_a_payout_to_a_closed_bank_account_fails_when_it_arrives(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    bank = api.v1.accounts.external_accounts.create(
        account.id,
        {
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "currency": "usd",
                "account_number": "000111111113",
                "routing_number": "110000000",
            },
            "default_for_currency": True,
        },
    )
    pay(api, customer, account, card="pm_card_bypassPending", fee=1500)
    own: stripe.RequestOptions = {"stripe_account": account.id}
    payout = api.v1.payouts.create({"amount": 8500, "currency": "usd"}, own)
    assert payout.destination == bank.id
    sandbox.advance(2 * DAY)
    failed = api.v1.payouts.retrieve(payout.id, options=own)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert available(api, account.id) == 8500


def test_a_pending_payout_can_be_canceled(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    pay(api, customer, account, card="pm_card_bypassPending", fee=1500)
    own: stripe.RequestOptions = {"stripe_account": account.id}
    payout = api.v1.payouts.create({"amount": 8500, "currency": "usd"}, own)
    assert api.v1.payouts.cancel(payout.id, options=own).status == "canceled"
    assert available(api, account.id) == 8500


def test_daily_payouts_when_the_account_wants_them(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    api.v1.accounts.update(account.id, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}})
    pay(api, customer, account, card="pm_card_bypassPending", fee=1500)
    sandbox.advance(4 * DAY)
    payouts = api.v1.payouts.list(options={"stripe_account": account.id}).data
    assert [(payout.amount, payout.automatic, payout.status) for payout in payouts] == [(8500, True, "paid")]


def test_much_that_is_due_takes_moments(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    for _ in range(50):
        pay(api, customer)
    began = time.monotonic()
    sandbox.advance(30 * DAY)
    assert time.monotonic() - began < 2
    assert available(api) == 50 * (10000 - 320)
