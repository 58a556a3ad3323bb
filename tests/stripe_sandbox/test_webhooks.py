"""Events on their way to the site."""

import time

import pytest
import stripe

from .conftest import Process
from .payments import pay
from .receiver import Receiver


def listen(api: stripe.StripeClient, receiver: Receiver, connect: bool = False) -> stripe.WebhookEndpoint:
    endpoint = api.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["*"], "connect": connect, "api_version": "2026-08-26.dahlia"}
    )
    receiver.secret = str(endpoint.secret)
    return endpoint


def quiet(sandbox: Process) -> None:
    deadline = time.monotonic() + 10
    while sandbox.control("GET", "webhooks?summary=1")["pending"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_events_arrive_signed_and_in_order(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, receiver: Receiver
) -> None:
    listen(api, receiver)
    intent = pay(api, customer)
    receiver.wait_for(3)
    assert receiver.types() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    event = receiver.events[-1]
    assert (event.data.object["id"], event.api_version) == (intent.id, "2026-08-26.dahlia")
    assert str(event["request"]["id"]).startswith("req_")
    quiet(sandbox)


def test_the_secret_is_shown_once(api: stripe.StripeClient, receiver: Receiver) -> None:
    endpoint = listen(api, receiver)
    assert str(endpoint.secret).startswith("whsec_")
    assert "secret" not in api.v1.webhook_endpoints.retrieve(endpoint.id)
    disabled = api.v1.webhook_endpoints.update(endpoint.id, {"disabled": True, "enabled_events": ["charge.succeeded"]})
    assert (disabled.status, disabled.enabled_events) == ("disabled", ["charge.succeeded"])
    assert api.v1.webhook_endpoints.delete(endpoint.id).deleted
    assert api.v1.webhook_endpoints.list().data == []


def test_connect_endpoints_get_the_events_of_connected_accounts(
    api: stripe.StripeClient, sandbox: Process, receiver: Receiver
) -> None:
    listen(api, receiver, connect=True)
    account = api.v1.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    api.v1.customers.create({})
    sandbox.control("POST", f"accounts/{account.id}/onboard")
    quiet(sandbox)
    assert set(receiver.types()) == {"account.updated", "account.external_account.created", "capability.updated"}
    assert {event.account for event in receiver.events} == {account.id}
    enabled = [event for event in receiver.events if event.type == "account.updated"][-1]
    assert enabled.data.object["charges_enabled"] is True
    assert enabled.data.previous_attributes
    assert enabled.data.previous_attributes["charges_enabled"] is False


def test_only_what_an_endpoint_listens_to(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    endpoint = listen(api, receiver)
    api.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["customer.deleted"]})
    api.v1.customers.delete(api.v1.customers.create({}).id)
    quiet(sandbox)
    assert receiver.types() == ["customer.deleted"]


def test_retries_until_2xx_each_signed_anew(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    receiver.answer = lambda attempt: 500 if attempt < 3 else 200
    api.v1.customers.create({})
    receiver.wait_for(1)
    quiet(sandbox)
    delivery = sandbox.control("GET", "webhooks")["data"][0]
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 3)
    assert [answer["status"] for answer in delivery["answers"]] == [500, 500, 200]
    assert len({signature.split(",")[0] for signature in receiver.signatures}) > 1


def test_a_jump_of_the_clock_makes_retries_due(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    receiver.answer = lambda attempt: 503 if attempt < 6 else 200
    api.v1.customers.create({})
    for _ in range(6):
        time.sleep(0.05)
        sandbox.advance(3600)
    receiver.wait_for(1, seconds=3)


def test_duplicates_and_a_shuffled_order(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    sandbox.control("POST", "webhooks", duplicate=3, shuffle=True)
    made = [api.v1.customers.create({}).id for _ in range(8)]
    receiver.wait_for(24)
    order = [event.data.object["id"] for event in receiver.events]
    assert {id: order.count(id) for id in made} == dict.fromkeys(made, 3)
    assert order != [id for id in made for _ in range(3)]


def test_late_by_the_sandbox_clock(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    sandbox.control("POST", "webhooks", delay_seconds=3 * 86400)
    api.v1.customers.create({})
    time.sleep(0.3)
    assert receiver.events == []
    assert sandbox.control("GET", "webhooks?summary=1")["counts"]["delayed"] == 1
    sandbox.advance(3 * 86400)
    receiver.wait_for(1)


def test_dropped_and_sent_again(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    sandbox.control("POST", "webhooks", drop=1.0)
    api.v1.customers.create({})
    quiet(sandbox)
    assert (receiver.events, sandbox.control("GET", "webhooks?summary=1")["counts"]["dropped"]) == ([], 1)
    event = api.v1.events.list({"type": "customer.created"}).data[0]
    assert sandbox.control("POST", "webhooks", resend=event.id)["endpoints"] == 1
    receiver.wait_for(1)
    assert receiver.events[0].id == event.id


def test_paused(api: stripe.StripeClient, sandbox: Process, receiver: Receiver) -> None:
    listen(api, receiver)
    sandbox.control("POST", "webhooks", paused=True)
    api.v1.customers.create({})
    time.sleep(0.3)
    assert (receiver.events, sandbox.control("GET", "webhooks?summary=1")["pending"]) == ([], 1)
    sandbox.control("POST", "webhooks", paused=False)
    receiver.wait_for(1)


def test_a_forged_or_old_signature_is_refused(receiver: Receiver) -> None:
    from stripe_sandbox.webhooks import signature

    body = '{"object": "event"}'
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature("whsec_other", body, int(time.time())), "whsec_right")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature("whsec_right", body, int(time.time()) - 400), "whsec_right")
