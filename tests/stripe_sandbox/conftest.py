"""A sandbox of its own for these tests: a real process, driven by Stripe's SDK over HTTP.

Everything it serves while a test runs is held against Stripe's own types when the test ends.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from .receiver import Receiver
from .stripe_types import object_errors, objects_in

ROOT = Path(__file__).parents[2]
SECRET_KEY = "sk_test_sandbox00000000000000000"
PUBLISHABLE_KEY = "pk_test_sandbox00000000000000000"

Json = dict[str, Any]


class RecordingClient(stripe.RequestsClient):
    """Stripe's own HTTP client, keeping the answers it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **kwargs: Any) -> Any:
        content, status, answered = super().request(method, url, headers, post_data, **kwargs)
        self.answers.append(json.loads(content))
        return content, status, answered


class Process:
    """A sandbox process: started, killed and started again on the same state."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state, self.options = state, options
        self.port = _free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.base, timeout=30)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "stripe_sandbox", "--port", str(self.port), "--state", str(self.state)]
        self._process = subprocess.Popen([*command, *self.options], cwd=ROOT)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.http.get("/_sandbox/clock").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError("the sandbox did not start")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process:
            os.kill(self._process.pid, how)
            self._process.wait(10)
            self._process = None

    def control(self, method: str, path: str, /, **body: Any) -> Json:
        """Use a control under /_sandbox/."""
        response = self.http.request(method, f"/_sandbox/{path}", json=body if method == "POST" else None)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def advance(self, seconds: float) -> None:
        """Turn the sandbox clock forward."""
        self.control("POST", "clock", advance_seconds=seconds)

    def now(self) -> int:
        """The time on the sandbox clock."""
        return int(self.control("GET", "clock")["timestamp"])

    def client(self, recorder: stripe.HTTPClient | None = None, key: str = SECRET_KEY) -> stripe.StripeClient:
        """Stripe's SDK pointed at this sandbox."""
        return stripe.StripeClient(
            key, base_addresses={"api": self.base}, http_client=recorder or stripe.RequestsClient()
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The sandbox most tests share; the clock only ever goes forward in it."""
    running = Process(tmp_path_factory.mktemp("sandbox") / "state.sqlite3")
    yield running
    running.stop()
    running.http.close()


@pytest.fixture(scope="session")
def _recorder() -> RecordingClient:
    return RecordingClient()


@pytest.fixture(scope="session")
def _client(process: Process, _recorder: RecordingClient) -> stripe.StripeClient:
    return process.client(_recorder)


@pytest.fixture
def sandbox(process: Process, _client: stripe.StripeClient, _recorder: RecordingClient) -> Iterator[Process]:
    """The shared sandbox, emptied. Afterwards all it served must fit Stripe's types, and its books must balance."""
    process.control("POST", "reset")
    _recorder.answers.clear()
    yield process
    served = list(_recorder.answers)
    accounts = [None, *(account["id"] for account in _everything(process, "/v1/accounts", None))]
    for account in accounts:
        for path in ("/v1/events", "/v1/balance_transactions", "/v1/charges", "/v1/refunds"):
            served.append({"data": _everything(process, path, account)})
    wrong = [error for answer in served for each in objects_in(answer) for error in object_errors(each)]
    assert not wrong, "\n".join(sorted(set(wrong)))
    ledger = process.control("GET", "ledger")
    assert ledger["balanced"], ledger


def _everything(process: Process, path: str, account: str | None) -> list[Json]:
    headers = {"Authorization": f"Bearer {SECRET_KEY}"} | ({"Stripe-Account": account} if account else {})
    found: list[Json] = []
    more = True
    while more:
        cursor = {"starting_after": found[-1]["id"]} if found else {}
        page = process.http.get(path, params={"limit": 100, **cursor}, headers=headers).json()
        found.extend(page["data"])
        more = page["has_more"]
    return found


@pytest.fixture
def api(sandbox: Process, _client: stripe.StripeClient) -> stripe.StripeClient:
    """Stripe's SDK."""
    return _client


@pytest.fixture
def customer(api: stripe.StripeClient) -> stripe.Customer:
    return api.v1.customers.create({"email": "student@example.com", "name": "Student"})


@pytest.fixture
def account(api: stripe.StripeClient, sandbox: Process) -> stripe.Account:
    """An Express account that has finished its onboarding."""
    made = api.v1.accounts.create(
        {"type": "express", "email": "instructor@example.com", "capabilities": {"transfers": {"requested": True}}}
    )
    sandbox.control("POST", f"accounts/{made.id}/onboard")
    return api.v1.accounts.retrieve(made.id)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that takes webhooks."""
    with Receiver() as running:
        yield running
