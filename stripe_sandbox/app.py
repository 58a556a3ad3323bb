"""The ASGI application: /v1 goes straight to the API, everything else (controls, hosted pages, script) to Starlette."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette

from stripe_sandbox.api import Answer, Api, Call
from stripe_sandbox.config import Config
from stripe_sandbox.controls import control_routes
from stripe_sandbox.pages import page_routes
from stripe_sandbox.resources.webhook_endpoints import add_configured
from stripe_sandbox.routing import load_resources
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.webhooks import Courier

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TICK_SECONDS = 0.2
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE, OPTIONS"),
    (b"access-control-expose-headers", b"Request-Id, Stripe-Version, Idempotent-Replayed"),
    (b"access-control-max-age", b"300"),
]
_PREFLIGHT = [
    *_CORS,
    (b"access-control-allow-headers", b"*, Authorization, Content-Type, Stripe-Account, Stripe-Version"),
]
_CACHE = (b"cache-control", b"no-cache, no-store")


class Application:
    """One sandbox, served."""

    def __init__(self, config: Config) -> None:
        load_resources()
        self.box = Sandbox(config)
        self.api = Api(self.box)
        self.courier = Courier(self.box)
        add_configured(self.box)
        self._pages = Starlette(
            routes=[*control_routes(self.box, self.api, self.courier), *page_routes(self.box)], lifespan=self._lifespan
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            await self._serve(scope, receive, send)
        else:
            await self._pages(scope, receive, send)  # type: ignore[arg-type]

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send({"type": "http.response.body", "body": b""})
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        call = Call(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            body.decode("utf-8", "replace"),
            headers,
        )
        answer = await self.api.answer(call)
        if answer.lost:
            await _hang_up(scope, receive)
            return
        await _send(answer, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        jobs = [asyncio.create_task(self.courier.run()), asyncio.create_task(self._tick())]
        try:
            yield
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            self.box.store.db.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.box.catch_up()


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection without a word."""
    scope["state"]["hang_up"]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        _CACHE,
        *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers.items()),
        *_CORS,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
