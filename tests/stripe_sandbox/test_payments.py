"""Holds, captures, cancels, declines and 3-D Secure."""

from typing import Any

import pytest
import stripe

from .conftest import Process
from .payments import card_of, decline_of, hold, intent_in, pay


def types_of(api: stripe.StripeClient, since: int = 0) -> list[str]:
    return [str(event.type) for event in reversed(api.v1.events.list({"limit": 100}).data)][since:]


def test_a_hold_and_its_capture_emit_the_events_in_stripes_order(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    before = len(types_of(api))
    intent = hold(api, customer, account, fee=1500)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 10000, 0)
    assert types_of(api, before) == [
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]
    captured = api.v1.payment_intents.capture(intent.id)
    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 10000)
    assert types_of(api, before + 4) == [
        "charge.captured",
        "transfer.created",
        "application_fee.created",
        "payment_intent.succeeded",
    ]


def test_nothing_moves_before_the_capture(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = hold(api, customer, account, fee=1500)
    assert api.v1.balance_transactions.list().data == []
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.captured, charge.balance_transaction, charge.paid) == (False, None, True)
    assert api.v1.transfers.list().data == []


@pytest.mark.parametrize(
    ("off_session", "number", "seconds"),
    [
        (False, "pm_card_visa", 7 * 86400),
        (True, "pm_card_visa", 4 * 86400 + 18 * 3600),
        (True, "pm_card_mastercard", 7 * 86400),
    ],
)
def test_a_hold_says_until_when_it_can_be_captured(
    api: stripe.StripeClient, customer: stripe.Customer, off_session: bool, number: str, seconds: int
) -> None:
    intent = hold(api, customer, card=number, off_session=off_session)
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    assert card_of(charge).capture_before == charge.created + seconds


def test_an_expired_hold_is_released_to_the_second(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer)
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    until = card_of(charge).capture_before
    sandbox.control("POST", "clock", frozen=True)
    sandbox.control("POST", "clock", to=until - 1)
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    before = len(types_of(api))
    sandbox.control("POST", "clock", to=until + 3600)
    expired = api.v1.payment_intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason, expired.canceled_at) == ("canceled", "automatic", until)
    assert types_of(api, before) == ["charge.expired", "payment_intent.canceled"]
    assert {event.created for event in api.v1.events.list({"limit": 2}).data} == {until}
    refund = api.v1.refunds.list({"charge": charge.id}).data[0]
    assert (refund.reason, refund.balance_transaction) == ("expired_uncaptured_charge", None)
    with pytest.raises(stripe.InvalidRequestError, match="has a status of canceled") as refusal:
        api.v1.payment_intents.capture(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert intent_in(refusal.value).id == intent.id


def test_a_partial_capture_releases_the_rest_and_caps_the_fee(
    api: stripe.StripeClient, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = hold(api, customer, account, fee=4000)
    captured = api.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    assert (captured.amount_received, captured.amount_capturable) == (3000, 0)
    charge = api.v1.charges.retrieve(
        str(captured.latest_charge), {"expand": ["application_fee", "balance_transaction"]}
    )
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (10000, 3000, 7000)
    assert isinstance(charge.application_fee, stripe.ApplicationFee)
    assert charge.application_fee.amount == 3000
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (charge.balance_transaction.amount, charge.balance_transaction.fee) == (3000, 117)


def test_captured_twice_is_refused_with_the_intent(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = hold(api, customer)
    api.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="already been captured") as refusal:
        api.v1.payment_intents.capture(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert refusal.value.http_status == 400


def test_more_than_the_hold_cannot_be_captured(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = hold(api, customer)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.payment_intents.capture(intent.id, {"amount_to_capture": 10001})
    assert refusal.value.code == "amount_too_large"
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_a_canceled_hold_goes_back_to_the_card(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = hold(api, customer)
    before = len(types_of(api))
    canceled = api.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "requested_by_customer")
    assert types_of(api, before) == ["charge.refunded", "payment_intent.canceled"]
    assert api.v1.charges.retrieve(str(intent.latest_charge)).refunded
    assert api.v1.balance_transactions.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="cannot cancel"):
        api.v1.payment_intents.cancel(intent.id)


def test_a_succeeded_intent_cannot_be_canceled_or_confirmed(
    api: stripe.StripeClient, customer: stripe.Customer
) -> None:
    intent = pay(api, customer)
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        api.v1.payment_intents.cancel(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        api.v1.payment_intents.confirm(intent.id)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_declined_confirm_can_be_confirmed_again(
    api: stripe.StripeClient, customer: stripe.Customer, card: str, code: str, decline_code: str
) -> None:
    intent = api.v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "customer": customer.id, "payment_method_types": ["card"]}
    )
    before = len(types_of(api))
    declined = decline_of(lambda: api.v1.payment_intents.confirm(intent.id, {"payment_method": card}))
    assert (declined.http_status, declined.code) == (402, code)
    assert declined.error
    assert declined.error.decline_code == decline_code
    assert intent_in(declined).status == "requires_payment_method"
    assert types_of(api, before) == ["charge.failed", "payment_intent.payment_failed"]
    left = api.v1.payment_intents.retrieve(intent.id)
    assert left.last_payment_error
    assert left.last_payment_error.code == code
    failed = api.v1.charges.retrieve(str(left.latest_charge))
    assert (failed.status, failed.paid, failed.failure_code) == ("failed", False, code)
    confirmed = api.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (confirmed.status, confirmed.last_payment_error) == ("succeeded", None)


def test_the_card_that_saves_but_declines(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    method = api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    declined = decline_of(lambda: pay(api, customer, card=method.id, off_session=True))
    assert declined.code == "card_declined"


def test_a_declined_card_cannot_be_attached(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    declined = decline_of(lambda: api.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id}))
    assert declined.http_status == 402
    assert api.v1.customers.payment_methods.list(customer.id).data == []


def test_three_d_secure_on_session(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    intent = pay(api, customer, card="pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action
    assert intent.next_action.type == "use_stripe_sdk"
    assert types_of(api)[-1] == "payment_intent.requires_action"
    sandbox.control("POST", f"authentications/{intent.id}", result="succeed")
    done = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (done.status, done.next_action) == ("succeeded", None)
    assert isinstance(done.latest_charge, stripe.Charge)
    assert card_of(done.latest_charge).three_d_secure


def test_failed_three_d_secure_goes_back_to_requires_payment_method(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer, card="pm_card_authenticationRequired", return_url="https://example.com/back")
    assert intent.next_action
    assert intent.next_action.redirect_to_url
    assert intent.next_action.redirect_to_url.return_url == "https://example.com/back"
    sandbox.control("POST", f"authentications/{intent.id}", result="fail")
    failed = api.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert types_of(api)[-1] == "payment_intent.payment_failed"


def test_off_session_a_card_that_asks_is_declined(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    method = api.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    declined = decline_of(lambda: pay(api, customer, card=method.id, off_session=True))
    assert declined.code == "authentication_required"
    assert declined.error
    assert intent_in(declined).status == "requires_payment_method"


def test_3155_asks_until_it_is_set_up_for_off_session(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    method = api.v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer.id})
    assert decline_of(lambda: pay(api, customer, card=method.id, off_session=True)).code == "authentication_required"
    setup = api.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": method.id, "payment_method_types": ["card"], "confirm": True}
    )
    assert setup.status == "requires_action"
    sandbox.control("POST", f"authentications/{setup.id}", result="succeed")
    assert api.v1.setup_intents.retrieve(setup.id).status == "succeeded"
    assert pay(api, customer, card=method.id, off_session=True).status == "succeeded"


def test_a_setup_intent_saves_the_card(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    setup = api.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    saved = api.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert saved.status == "succeeded"
    assert [method.id for method in api.v1.customers.payment_methods.list(customer.id)] == [saved.payment_method]
    assert types_of(api)[-2:] == ["payment_method.attached", "setup_intent.succeeded"]


def test_a_declined_setup_intent(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    setup = api.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    declined = decline_of(lambda: api.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"}))
    assert declined.code == "card_declined"
    left = api.v1.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
    assert left.status == "requires_payment_method"
    assert left.last_setup_error
    assert left.last_setup_error.code == "card_declined"


def test_a_detached_card_cannot_be_used_again(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    method = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    api.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError):
        pay(api, customer, card=method.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_methods.attach(method.id, {"customer": customer.id})


def test_somebody_elses_card_is_refused(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    other = api.v1.customers.create({})
    method = api.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        pay(api, customer, card=method.id)


def test_dashboard_methods_need_a_return_url(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        api.v1.payment_intents.create(
            {
                "amount": 5000,
                "currency": "usd",
                "customer": customer.id,
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )


def card(**changes: Any) -> Any:
    """Parameters for a payment method made from a card's number."""
    return {
        "type": "card",
        "card": {"number": "4242 4242 4242 4242", "exp_month": 3, "exp_year": 2040, "cvc": "123", **changes},
    }


def test_card_numbers_and_the_date_on_the_card(api: stripe.StripeClient) -> None:
    method = api.v1.payment_methods.create(card())
    assert method.card
    assert (method.card.last4, method.card.exp_year) == ("4242", 2040)
    wrong = decline_of(lambda: api.v1.payment_methods.create(card(number="4242424242424241")))
    assert wrong.code == "incorrect_number"
    old = decline_of(lambda: api.v1.payment_methods.create(card(exp_year=2020)))
    assert old.code == "invalid_expiry_year"
