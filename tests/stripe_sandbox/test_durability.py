"""What survives a restart, a kill, and how the clock behaves."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from .conftest import SECRET_KEY, Process
from .payments import hold
from .receiver import Receiver

BEARER = {"Authorization": f"Bearer {SECRET_KEY}"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    """A sandbox of this test's own, to be killed."""
    running = Process(tmp_path / "state.sqlite3")
    yield running
    running.stop()
    running.http.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_a_restart(own: Process, how: signal.Signals) -> None:
    api = own.client()
    customer = api.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "once"})
    intent = hold(api, customer)
    own.control("POST", "clock", frozen=True)
    own.advance(3 * 86400)
    now = own.now()
    own.control("POST", "faults", path="/v1/balance", kind="500", count=2)
    own.stop(how)
    own.start()
    api = own.client()
    assert own.now() == now
    assert api.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    assert [fault["remaining"] for fault in own.control("GET", "faults")["data"]] == [2]
    own.advance(5 * 86400)
    assert api.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert own.control("GET", "ledger")["balanced"]


def test_a_key_survives_a_kill(own: Process) -> None:
    api = own.client()
    first = api.v1.customers.create({}, {"idempotency_key": "once"})
    own.stop(signal.SIGKILL)
    own.start()
    assert own.client().v1.customers.create({}, {"idempotency_key": "once"}).id == first.id


def test_killed_under_load_it_has_done_what_it_answered(own: Process) -> None:
    answered: list[str] = []

    def work(number: int) -> None:
        api = own.client()
        try:
            for step in range(1000):
                intent = api.v1.payment_intents.create(
                    {
                        "amount": 1000 + number,
                        "currency": "usd",
                        "payment_method": "pm_card_visa",
                        "payment_method_types": ["card"],
                        "confirm": True,
                        "metadata": {"step": str(step)},
                    },
                    {"max_network_retries": 0},
                )
                answered.append(intent.id)
        except stripe.APIConnectionError:
            return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.6)
    own.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()
    own.start()
    api = own.client()
    assert answered
    assert all(api.v1.payment_intents.retrieve(id).status == "succeeded" for id in answered[-50:])
    ledger = own.control("GET", "ledger")
    assert ledger["balanced"]
    kept = len(list(api.v1.payment_intents.list({"limit": 100}).auto_paging_iter()))
    assert len(answered) <= kept <= len(answered) + 3


def test_undelivered_webhooks_survive_a_kill(own: Process, receiver: Receiver) -> None:
    api = own.client()
    endpoint = api.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    receiver.secret = str(endpoint.secret)
    own.control("POST", "webhooks", paused=True)
    api.v1.customers.create({})
    own.stop(signal.SIGKILL)
    own.start()
    own.control("POST", "webhooks", paused=False)
    receiver.wait_for(1)
    assert receiver.types() == ["customer.created"]


def test_the_clock_ticks_freezes_and_never_goes_back(sandbox: Process) -> None:
    began = sandbox.control("GET", "clock")["timestamp"]
    frozen = sandbox.control("POST", "clock", frozen=True)["timestamp"]
    assert frozen >= began
    assert sandbox.control("GET", "clock")["timestamp"] == frozen
    moved = sandbox.control("POST", "clock", to="2030-01-01T00:00:00Z")
    assert moved["now"] == "2030-01-01T00:00:00Z"
    back = sandbox.http.post("/_sandbox/clock", json={"to": "2029-12-31T23:59:59Z"})
    assert back.status_code == 400
    assert "never goes back" in back.json()["error"]["message"]
    assert sandbox.http.post("/_sandbox/clock", json={"advance_seconds": -5}).status_code == 400
    ticking = sandbox.control("POST", "clock", frozen=False)["timestamp"]
    assert 0 <= ticking - moved["timestamp"] < 1
    assert sandbox.http.post("/_sandbox/clock", json={"hurry": 1}).status_code == 400
    assert sandbox.http.post("/_sandbox/clock", content=b"{").status_code == 400


def test_what_is_due_happens_by_itself_when_the_clock_ticks_past(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer
) -> None:
    intent = hold(api, customer)
    sandbox.advance(7 * 86400 - 1)
    before = sandbox.control("GET", "requests")["last"]
    deadline = threading.Event()
    for _ in range(30):
        deadline.wait(0.1)
        if api.v1.payment_intents.retrieve(intent.id).status == "canceled":
            break
    assert api.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert sandbox.control("GET", "requests")["last"] > before


def test_reset_forgets_everything(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    sandbox.control("POST", "faults", path="*", kind="500")
    sandbox.control("POST", "reset")
    assert api.v1.customers.list().data == []
    assert sandbox.control("GET", "faults") == {"data": []}
    assert sandbox.control("GET", "ledger")["trial_balance"] == {}
