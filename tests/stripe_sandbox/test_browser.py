"""The browser script in a real browser: headless Chromium runs a story on a page and reports what came of it."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import stripe

from .conftest import PUBLISHABLE_KEY, Json, Process
from .payments import hold

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A story</title><body><div id="payment"></div>
<script src="%(script)s"></script><script>
const stripe = Stripe(%(key)s);
const $ = (selector) => document.querySelector(selector);
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const type = (name, text) => { const input = $(`#payment input[name=${name}]`); input.value = text;
  input.dispatchEvent(new Event("input")); };
const fill = (number) => { type("number", number); type("expiry", "1234"); type("cvc", "123"); };
const answer = async (value) => { while (!$("dialog[open]")) await wait(10);
  $(`dialog button[value=${value}]`).click(); };
const mount = (clientSecret) => { const elements = stripe.elements({clientSecret});
  elements.create("payment").mount("#payment"); return elements; };
(async () => { %(story)s })().then((told) => told, (error) => ({thrown: String(error)}))
  .then((told) => fetch("/told", {method: "POST", body: JSON.stringify(told)}));
</script></body></html>"""


@contextmanager
def stage(html: str) -> Iterator[tuple[str, Queue[Json]]]:
    """A page on a server of its own, and what it reports."""
    told: Queue[Json] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(html.encode())

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", told
    server.shutdown()
    server.server_close()


@pytest.fixture
def tell(sandbox: Process, tmp_path: Path) -> Any:
    """Runs a story in the browser; what it returned."""

    def run(story: str, **values: str) -> Json:
        for name, value in values.items():
            story = f"const {name} = {json.dumps(value)}; {story}"
        html = PAGE % {"script": f"{sandbox.base}/v3/", "key": json.dumps(PUBLISHABLE_KEY), "story": story}
        with stage(html) as (url, told):
            command = [str(CHROMIUM), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={tmp_path}/profile", url]
            browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                return told.get(timeout=30)
            finally:
                browser.terminate()
                browser.wait(10)

    return run


def setup_secret(api: stripe.StripeClient, customer: stripe.Customer) -> str:
    setup = api.v1.setup_intents.create({"customer": customer.id, "usage": "off_session"})
    return str(setup.client_secret)


def test_saving_cards(tell: Any, api: stripe.StripeClient, customer: stripe.Customer) -> None:
    """Incomplete, declined, 3-D Secure failed, then completed: all on one page with one setup intent."""
    told = tell(
        """
        const elements = mount(secret);
        const confirm = () => stripe.confirmSetup({elements, redirect: "if_required", confirmParams: {}});
        type("number", "4242");
        const incomplete = await confirm();
        const said = $("#payment [role=alert]").textContent;
        fill("4000000000000002");
        const declined = await confirm();
        fill("4000002500003155");
        let [failed] = await Promise.all([confirm(), answer("fail")]);
        fill("4000002500003155");
        let [saved] = await Promise.all([confirm(), answer("succeed")]);
        const again = await stripe.retrieveSetupIntent(secret);
        return {incomplete, said, declined, failed, saved, again, grouped: $("#payment input").value};
        """,
        secret=setup_secret(api, customer),
    )
    assert told["incomplete"]["error"]["code"] == "incomplete_number"
    assert told["said"] == "Your card number is incomplete."
    declined = told["declined"]["error"]
    assert (declined["type"], declined["code"], declined["decline_code"]) == (
        "card_error",
        "card_declined",
        "generic_decline",
    )
    assert declined["message"] == "Your card was declined."
    assert told["failed"]["error"]["code"] == "setup_intent_authentication_failure"
    assert told["saved"]["setupIntent"]["status"] == "succeeded"
    assert told["again"]["setupIntent"]["status"] == "succeeded"
    assert "customer" not in told["again"]["setupIntent"]
    assert told["grouped"] == "4000 0025 0000 3155"
    assert len(api.v1.customers.payment_methods.list(customer.id).data) == 1


def test_paying(tell: Any, api: stripe.StripeClient, customer: stripe.Customer) -> None:
    """A payment on the page, a hold that waits for the customer, and a stranger without the secret."""
    intent = api.v1.payment_intents.create({"amount": 4500, "currency": "usd", "customer": customer.id})
    waiting = hold(api, customer, card="pm_card_authenticationRequired")
    told = tell(
        """
        const elements = mount(secret);
        fill("4242424242424242");
        const paid = await stripe.confirmPayment({elements, redirect: "if_required"});
        const [held] = await Promise.all([stripe.handleNextAction({clientSecret: waiting}), answer("succeed")]);
        const stranger = await stripe.retrievePaymentIntent(secret + "x");
        return {paid, held, stranger};
        """,
        secret=str(intent.client_secret),
        waiting=str(waiting.client_secret),
    )
    assert told["paid"]["paymentIntent"]["status"] == "succeeded"
    assert told["held"]["paymentIntent"]["status"] == "requires_capture"
    assert told["stranger"]["error"]["code"] == "resource_missing"
    assert api.v1.payment_intents.retrieve(waiting.id).amount_capturable == 10000


def test_card_element_and_redirect(tell: Any, api: stripe.StripeClient, customer: stripe.Customer) -> None:
    """confirmCardSetup with the card element; confirmPayment without if_required leads to return_url."""
    told = tell(
        """
        const card = stripe.elements().create("card");
        card.mount("#payment");
        let complete = false;
        card.on("change", (event) => { complete = event.complete; });
        fill("5555555555554444");
        const method = {card, billing_details: {name: "Student"}};
        const {setupIntent} = await stripe.confirmCardSetup(secret, {payment_method: method});
        const missing = await stripe.confirmSetup({elements: mount(secret), confirmParams: {}});
        return {complete, setupIntent, missing};
        """,
        secret=setup_secret(api, customer),
    )
    assert told["complete"] is True
    method = api.v1.payment_methods.retrieve(told["setupIntent"]["payment_method"])
    assert (method.billing_details.name, method.customer) == ("Student", customer.id)
    assert told["missing"]["error"]["code"] == "missing_return_url"
