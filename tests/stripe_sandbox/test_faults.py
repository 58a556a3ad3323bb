"""Faults the sandbox makes on demand, rate limits and locks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from .conftest import SECRET_KEY, Json, Process
from .payments import hold, intent_in, pay

BEARER = {"Authorization": f"Bearer {SECRET_KEY}"}


def post(sandbox: Process, path: str, key: str, **form: str) -> httpx.Response:
    return sandbox.http.post(path, data=form, headers=BEARER | {"Idempotency-Key": key})


def customers(sandbox: Process) -> int:
    return len(sandbox.http.get("/v1/customers?limit=100", headers=BEARER).json()["data"])


def test_429_comes_before_the_key(sandbox: Process) -> None:
    sandbox.control("POST", "faults", method="POST", path="/v1/customers", kind="429", count=1)
    limited = post(sandbox, "/v1/customers", "k")
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limit")
    assert post(sandbox, "/v1/customers", "k").status_code == 200
    assert customers(sandbox) == 1


def test_409_is_not_stored(sandbox: Process) -> None:
    sandbox.control("POST", "faults", path="/v1/customers", kind="409", count=1)
    assert post(sandbox, "/v1/customers", "k").json()["error"]["code"] == "idempotency_key_in_use"
    assert post(sandbox, "/v1/customers", "k").status_code == 200


@pytest.mark.parametrize(("kind", "done"), [("500", 0), ("500_after", 1)])
def test_500_is_stored_and_replayed(sandbox: Process, kind: str, done: int) -> None:
    sandbox.control("POST", "faults", method="POST", path="/v1/customers", kind=kind, count=1)
    failed = post(sandbox, "/v1/customers", "k")
    again = post(sandbox, "/v1/customers", "k")
    assert (failed.status_code, failed.json()["error"]["type"]) == (500, "api_error")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (500, failed.json(), "true")
    assert customers(sandbox) == done
    assert post(sandbox, "/v1/customers", "k2").status_code == 200


@pytest.mark.parametrize(("kind", "done"), [("lost_request", 0), ("lost_response", 1)])
def test_a_lost_message_closes_the_connection(sandbox: Process, kind: str, done: int) -> None:
    sandbox.control("POST", "faults", method="POST", path="/v1/customers", kind=kind, count=1)
    with pytest.raises(httpx.TransportError):
        post(sandbox, "/v1/customers", "k")
    assert customers(sandbox) == done
    again = post(sandbox, "/v1/customers", "k")
    assert again.status_code == 200
    assert ("Idempotent-Replayed" in again.headers) == bool(done)
    assert customers(sandbox) == 1


def test_the_sdk_sees_a_lost_answer_as_a_connection_error(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer)
    sandbox.control("POST", "faults", path="/v1/payment_intents/*/capture", kind="lost_response", count=1)
    with pytest.raises(stripe.APIConnectionError):
        api.v1.payment_intents.capture(intent.id, options={"idempotency_key": "c", "max_network_retries": 0})
    assert api.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert api.v1.payment_intents.capture(intent.id, options={"idempotency_key": "c"}).status == "succeeded"


def test_the_sdk_retries_409_and_5xx(api: stripe.StripeClient, sandbox: Process) -> None:
    sandbox.control("POST", "faults", method="POST", path="/v1/customers", kind="409", count=1)
    assert api.v1.customers.create({}, {"max_network_retries": 2}).id


def test_a_refusal_does_nothing(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, fee=1000)
    transfer = str(api.v1.charges.retrieve(str(intent.latest_charge)).transfer)
    sandbox.control(
        "POST",
        "faults",
        method="POST",
        path="/v1/transfers/*/reversals",
        kind="refuse",
        count=1,
        status=400,
        error={"type": "invalid_request_error", "code": "balance_insufficient", "message": "Not now."},
    )
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match=r"Not now\.") as refusal:
            api.v1.transfers.reversals.create(transfer, options={"idempotency_key": "r"})
        assert refusal.value.code == "balance_insufficient"
    assert api.v1.transfers.retrieve(transfer).amount_reversed == 0
    api.v1.transfers.reversals.create(transfer, options={"idempotency_key": "r2"})


def test_a_refused_capture_shows_the_intent(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer)
    error = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor", "message": "No."}
    sandbox.control("POST", "faults", path="/v1/payment_intents/*/capture", kind="refuse", count=1, error=error)
    with pytest.raises(stripe.CardError) as refusal:
        api.v1.payment_intents.capture(intent.id)
    assert intent_in(refusal.value).status == "requires_capture"
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_a_refused_confirm_is_a_decline(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    error = {"type": "card_error", "code": "card_declined", "decline_code": "lost_card", "message": "Declined."}
    sandbox.control("POST", "faults", path="/v1/payment_intents", kind="refuse", count=1, error=error)
    with pytest.raises(stripe.CardError) as declined:
        pay(api, customer)
    assert declined.value.error
    assert declined.value.error.decline_code == "lost_card"
    intent = api.v1.payment_intents.retrieve(intent_in(declined.value).id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error
    assert intent.last_payment_error.decline_code == "lost_card"
    assert api.v1.charges.retrieve(str(intent.latest_charge)).status == "failed"


def test_chance_is_reproducible(sandbox: Process) -> None:
    def run() -> list[int]:
        sandbox.control("POST", "faults", path="/v1/balance", kind="429", probability=0.4, seed=7)
        statuses = [sandbox.http.get("/v1/balance", headers=BEARER).status_code for _ in range(30)]
        sandbox.control("DELETE", "faults")
        return statuses

    first = run()
    assert set(first) == {200, 429}
    assert run() == first


def test_faults_are_listed_and_removed(sandbox: Process) -> None:
    made = sandbox.control("POST", "faults", path="/v1/balance", kind="500", count=3)
    sandbox.http.get("/v1/balance", headers=BEARER)
    listed: list[Json] = sandbox.control("GET", "faults")["data"]
    assert [(each["id"], each["hits"], each["remaining"]) for each in listed] == [(made["id"], 1, 2)]
    assert sandbox.control("DELETE", f"faults/{made['id']}") == {"deleted": 1}
    assert sandbox.http.get("/v1/balance", headers=BEARER).status_code == 200
    wrong = sandbox.http.post("/_sandbox/faults", json={"kind": "explode"})
    assert wrong.status_code == 400
    assert "lost_request" in wrong.json()["error"]["message"]


def test_rate_limits(sandbox: Process) -> None:
    sandbox.control("POST", "limits", enabled=True, per_second=10, per_endpoint=3)
    statuses = [sandbox.http.get("/v1/balance", headers=BEARER).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    sandbox.control("DELETE", "limits")
    assert sandbox.http.get("/v1/balance", headers=BEARER).status_code == 200


def test_two_writes_on_one_object_at_once(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer)
    sandbox.control("POST", "limits", lock_timeout=True)
    sandbox.control("POST", "faults", path="/v1/payment_intents/*/capture", kind="delay", seconds=0.5, count=1)
    with ThreadPoolExecutor(1) as pool:
        capture = pool.submit(api.v1.payment_intents.capture, intent.id)
        threading.Event().wait(0.2)
        with pytest.raises(stripe.RateLimitError) as refusal:
            api.v1.payment_intents.cancel(intent.id)
        assert refusal.value.error
        assert refusal.value.error.code == "lock_timeout"
        assert capture.result().status == "succeeded"
