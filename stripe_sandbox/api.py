"""The way of a request to /v1: who asks, limits, faults, parameters, idempotency, one transaction, answer."""

import asyncio
import base64
import json
import logging
from dataclasses import dataclass
from typing import Any

from stripe_sandbox import API_VERSION
from stripe_sandbox.errors import ParameterError, StripeError, api_error, rate_limited
from stripe_sandbox.expand import expand
from stripe_sandbox.faults import ON_EXECUTION, Fault, Faults
from stripe_sandbox.forgetting import forget_old
from stripe_sandbox.forms import parse_form
from stripe_sandbox.idempotency import Keys, fingerprint, in_use
from stripe_sandbox.ids import new_id
from stripe_sandbox.limits import Limits
from stripe_sandbox.params import validate
from stripe_sandbox.request import Request
from stripe_sandbox.routing import Route, find
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, public

log = logging.getLogger("stripe_sandbox")

_BROWSER_FIELDS = {"client_secret": "s", "key": "s", "use_stripe_sdk": "b", "return_url": "s"}


@dataclass
class Call:
    """A request as it came in."""

    method: str
    path: str
    query: str
    form: str
    headers: dict[str, str]


@dataclass
class Answer:
    """What is sent back; `lost` closes the connection instead."""

    status: int
    body: str
    headers: dict[str, str]
    lost: bool = False


class Api:
    """Answers calls to /v1. Everything that changes state happens without a pause, in one transaction."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.keys = Keys(box)
        self.faults = Faults(box)
        self.limits = Limits(box)
        self._recorded = 0

    async def answer(self, call: Call) -> Answer:
        """The answer to a call, after whatever delay it was told to make."""
        box = self.box
        request_id = new_id("req")
        headers = {"Request-Id": request_id, "Stripe-Version": call.headers.get("stripe-version", API_VERSION)}
        box.catch_up()
        request = Request(request_id, call.method, call.path, box.platform)
        fault: Fault | None = None
        try:
            self._authenticate(call, request, headers)
            limit = self.limits.check(call.method, call.path)
            if limit:
                raise limit
            if self.faults:
                fault = self.faults.strike(call.method, call.path, request.account, None)
            kind = fault.doc["kind"] if fault else ""
            if kind == "lost_request":
                self._record(call, request, None, fault)
                return Answer(0, "", {}, lost=True)
            if kind == "429":
                raise rate_limited("rate_limit", "Request rate limit exceeded. (made by the sandbox)")
            if kind == "409":
                raise in_use(request.idempotency_key or "")
            route = self._route(call, request)
            answer = await self._carry_out(call, request, route, headers, fault)
        except StripeError as error:
            answer = Answer(error.status, _json({"error": _with_log(error, request)}), {**headers, **error.headers})
            self._record(call, request, answer.status, fault)
        except Exception:
            log.exception("%s %s failed", call.method, call.path)
            answer = Answer(500, _json({"error": api_error("The sandbox failed; see its log").error}), headers)
            self._record(call, request, 500, fault)
        if fault and fault.doc["kind"] == "lost_response":
            answer.lost = True
        return answer

    def _authenticate(self, call: Call, request: Request, headers: dict[str, str]) -> None:
        key = _api_key(call)
        config = self.box.config
        if not key:
            raise StripeError(
                401,
                "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        request.publishable = key == config.publishable_key
        if key != config.secret_key and not request.publishable:
            raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")
        account = call.headers.get("stripe-account", "")
        if account:
            if account != self.box.platform and self.box.store.get("account", account) is None:
                raise StripeError(
                    403,
                    "invalid_request_error",
                    f"The provided key '{key[:8]}{'*' * 8}{key[-4:]}' does not have access to account '{account}' (or "
                    "that account does not exist). Application access may have been revoked.",
                    code="account_invalid",
                )
            request.account = account
            headers["Stripe-Account"] = account
        key_header = call.headers.get("idempotency-key")
        if key_header and call.method == "POST":
            request.idempotency_key = key_header
            headers["Idempotency-Key"] = key_header

    def _route(self, call: Call, request: Request) -> Route:
        found = find(call.method, call.path)
        if found is None:
            raise StripeError(
                404,
                "invalid_request_error",
                f"Unrecognized request URL ({call.method}: {call.path}). Please see https://stripe.com/docs or we can "
                "help at https://support.stripe.com/.",
            )
        route, request.args = found
        if request.publishable and not route.browser:
            raise StripeError(
                401,
                "invalid_request_error",
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                code="secret_key_required",
            )
        return route

    async def _carry_out(
        self, call: Call, request: Request, route: Route, headers: dict[str, str], fault: Fault | None
    ) -> Answer:
        form = parse_form("&".join(part for part in (call.query, call.form) if part))
        request.params = validate(route.params, form, _BROWSER_FIELDS if request.publishable else None)
        key, mark = request.idempotency_key, ""
        if key:
            mark = fingerprint(call.method, call.path, form)
            stored = self.keys.recall(request.account, key, mark)
            if stored:
                return await self._replay(call, request, stored, headers, fault)
        locked = self.limits.lock(call.method, call.path, request.params)
        if isinstance(locked, StripeError):
            raise locked
        if key:
            self.keys.start(request.account, key)
        try:
            if fault and fault.doc["kind"] == "delay":
                await asyncio.sleep(fault.doc["seconds"])
                self.box.catch_up()
            return self._execute(call, request, route, headers, mark, fault)
        finally:
            self.limits.unlock(locked)
            if key:
                self.keys.finish(request.account, key)

    async def _replay(
        self, call: Call, request: Request, stored: tuple[int, str, str], headers: dict[str, str], fault: Fault | None
    ) -> Answer:
        if fault and fault.doc["kind"] == "delay":
            await asyncio.sleep(fault.doc["seconds"])
        status, body, original = stored
        self._record(call, request, status, fault, replayed=True)
        return Answer(status, body, {**headers, "Idempotent-Replayed": "true", "Original-Request": original})

    def _execute(
        self, call: Call, request: Request, route: Route, headers: dict[str, str], mark: str, fault: Fault | None
    ) -> Answer:
        """Everything in one transaction: what the route does, its answer under the key, the record of the request."""
        strike = self.faults.strike(call.method, call.path, request.account, ON_EXECUTION) if self.faults else None
        fault = strike or fault
        kind = strike.doc["kind"] if strike else ""
        refusal = strike.error() if strike and kind == "refuse" else None
        try:
            with self.box.transaction(request=request):
                if kind == "500":
                    status, body = 500, {"error": api_error().error}
                elif refusal and not (refusal.error["type"] == "card_error" and _confirms(call, request)):
                    status, body = refusal.status, {"error": self._about(call, request, refusal)}
                else:
                    request.refused = refusal
                    status, body = self._run(request, route)
                if kind == "500_after":
                    status, body = 500, {"error": api_error().error}
                text = _json(body)
                if request.idempotency_key:
                    self.keys.keep(request.account, request.idempotency_key, mark, status, text, request.id)
                self._record(call, request, status, fault)
        except ParameterError:
            raise
        except StripeError as error:
            text = _json({"error": _with_log(error, request)})
            with self.box.store.transaction():
                if request.idempotency_key and error.status != 429:
                    self.keys.keep(request.account, request.idempotency_key, mark, error.status, text, request.id)
                self._record(call, request, error.status, fault)
            return Answer(error.status, text, {**headers, **error.headers})
        if request.idempotency_key:
            headers["Original-Request"] = request.id
        return Answer(status, text, headers)

    def _run(self, request: Request, route: Route) -> tuple[int, Doc]:
        try:
            body = public(route.handler(self.box, request))
            if "expand" in request.params:
                expand(self.box, body, request.params["expand"])
            return 200, body
        except StripeError as error:
            if not error.commit:
                raise
            return error.status, {"error": _with_log(error, request)}

    def _about(self, call: Call, request: Request, refusal: StripeError) -> Doc:
        """A refusal's error, with the intent it is about, as Stripe shows it."""
        error = _with_log(refusal, request)
        intent = request.args.get("intent")
        if intent and call.path.startswith("/v1/payment_intents/"):
            doc = self.box.store.get("payment_intent", intent, request.account)
            if doc:
                error["payment_intent"] = public(doc)
        return error

    def _record(
        self, call: Call, request: Request, status: int | None, fault: Fault | None, replayed: bool = False
    ) -> None:
        db = self.box.store.db
        db.execute(
            "INSERT INTO requests (id, method, path, query, form, idempotency_key, status, account, at, replayed, "
            "fault) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.id,
                call.method,
                call.path,
                call.query,
                call.form,
                request.idempotency_key,
                status,
                request.account if request.account != self.box.platform else None,
                self.box.clock.now(),
                replayed,
                fault.doc["id"] if fault else None,
            ),
        )
        self._recorded += 1
        if self._recorded % 2000 == 0:
            self.keys.forget_old()
            forget_old(self.box)


def _confirms(call: Call, request: Request) -> bool:
    if call.path.endswith("/confirm"):
        return True
    return call.path in ("/v1/payment_intents", "/v1/setup_intents") and bool(request.get("confirm"))


def _with_log(error: StripeError, request: Request) -> Doc:
    return {**error.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{request.id}"}


def _json(body: Any) -> str:
    return json.dumps(body)


def _api_key(call: Call) -> str:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    for text in (call.form, call.query):
        if "key=pk_" in text:
            return str(parse_form(text).get("key", ""))
    return ""
