"""A small web server that receives webhooks, verifies them and remembers them."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import stripe


class Receiver:
    """Takes webhooks at `url`; answers what `answer` says, 200 unless told otherwise."""

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        self.signatures: list[str] = []
        self.secret = ""
        self.answer: Callable[[int], int] = lambda attempt: 200
        self._attempts = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"

    def take(self, body: bytes, signature: str) -> int:
        """Verify a webhook as a site does."""
        event = stripe.Webhook.construct_event(body, signature, self.secret)
        self._attempts += 1
        status = self.answer(self._attempts)
        self.signatures.append(signature)
        if status == 200:
            self.events.append(event)
        return status

    def types(self) -> list[str]:
        """The types of the events taken, in the order they came."""
        return [event.type for event in self.events]

    def wait_for(self, count: int, seconds: float = 10) -> None:
        """Wait until so many events were taken."""
        deadline = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"only {self.types()} arrived"
            time.sleep(0.01)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
