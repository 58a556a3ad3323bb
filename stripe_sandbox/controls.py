"""The controls under /_sandbox/: clock, faults, disputes, webhooks, payouts, ledger, requests. JSON in, JSON out."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_sandbox import API_VERSION
from stripe_sandbox.api import Api
from stripe_sandbox.clock import ClockError, iso, parse_time
from stripe_sandbox.deliveries import SETTINGS as WEBHOOK_SETTINGS
from stripe_sandbox.errors import StripeError
from stripe_sandbox.faults import FaultError
from stripe_sandbox.limits import SETTINGS as LIMIT_SETTINGS
from stripe_sandbox.report import ledger_report, webhook_report
from stripe_sandbox.resources.accounts import complete_onboarding
from stripe_sandbox.resources.authentication import NotWaitingError, finish
from stripe_sandbox.resources.disputes import OPEN, REASONS, end, open_dispute, undisputed
from stripe_sandbox.resources.payouts import fail_payout
from stripe_sandbox.resources.refund_objects import fail_refund
from stripe_sandbox.resources.webhook_endpoints import add_configured
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, private, public
from stripe_sandbox.webhooks import Courier

Control = Callable[[HttpRequest, Doc], Awaitable[Any]]


class ControlError(ValueError):
    """A control was used wrongly; the message says how."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Controls:
    """The functions behind the controls."""

    def __init__(self, box: Sandbox, api: Api, courier: Courier) -> None:
        self.box, self.api, self.courier = box, api, courier

    async def index(self, request: HttpRequest, body: Doc) -> Doc:
        """What runs here."""
        config = self.box.config
        return {
            "api_version": API_VERSION,
            "url": config.url,
            "platform_account": self.box.platform,
            "publishable_key": config.publishable_key,
            "now": iso(self.box.clock.now()),
        }

    async def clock(self, request: HttpRequest, body: Doc) -> Doc:
        """Read or turn the clock."""
        clock = self.box.clock
        if request.method == "POST":
            _known(body, {"advance_seconds", "to", "frozen", "now"})
            target = None
            if "advance_seconds" in body:
                seconds = body["advance_seconds"]
                if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
                    raise ControlError("advance_seconds must be a number")
                target = clock.now() + seconds
            elif "to" in body or "now" in body:
                target = parse_time(body.get("to", body.get("now")))
            if target is not None:
                clock.move_to(target)
            if "frozen" in body:
                clock.freeze(bool(body["frozen"]))
            self.box.catch_up()
            if target is not None:
                self.box.outbox.hurry()
        now = clock.now()
        return {"now": iso(now), "timestamp": now, "frozen": clock.frozen}

    async def faults(self, request: HttpRequest, body: Doc) -> Any:
        """Make, list or remove faults."""
        faults = self.api.faults
        if request.method == "POST":
            return faults.create(body)
        if request.method == "DELETE":
            return {"deleted": faults.delete(request.path_params.get("id"))}
        return {"data": faults.list()}

    async def limits(self, request: HttpRequest, body: Doc) -> Doc:
        """Switch rate limits and object locks."""
        if request.method == "POST":
            _known(body, set(LIMIT_SETTINGS))
            self.api.limits.configure(body)
        elif request.method == "DELETE":
            self.api.limits.configure(dict(LIMIT_SETTINGS))
        return dict(self.api.limits.settings)

    async def forget_keys(self, request: HttpRequest, body: Doc) -> Doc:
        """Forget all idempotency keys."""
        return {"forgotten": self.api.keys.forget_all()}

    async def dispute(self, request: HttpRequest, body: Doc) -> Doc:
        """Open a dispute on a captured charge."""
        _known(body, {"charge", "reason", "amount", "inquiry"})
        charge = self.box.store.get("charge", str(body.get("charge")))
        if charge is None or not charge["captured"] or charge["source_transfer"]:
            raise ControlError("charge must be the id of a captured charge (ch_…)", 404)
        reason = body.get("reason", "fraudulent")
        if reason not in REASONS:
            raise ControlError(f"reason must be one of {', '.join(REASONS)}")
        amount = body.get("amount")
        if amount is not None and not 0 < amount <= undisputed(charge):
            raise ControlError("amount must be between 1 and what was captured and not refunded")
        if not undisputed(charge):
            raise ControlError("that charge is fully refunded", 409)
        if charge["disputed"]:
            raise ControlError("that charge is disputed already", 409)
        with self.box.transaction():
            return public(open_dispute(self.box, charge, reason, amount, inquiry=bool(body.get("inquiry"))))

    async def close_dispute(self, request: HttpRequest, body: Doc) -> Doc:
        """Decide a dispute."""
        dispute = self.box.store.get("dispute", request.path_params["id"])
        if dispute is None:
            raise ControlError("no such dispute", 404)
        if body.get("status") not in ("won", "lost", "warning_closed"):
            raise ControlError("status must be won, lost or warning_closed")
        if dispute["status"] not in OPEN:
            raise ControlError(f"that dispute is closed already: {dispute['status']}", 409)
        with self.box.transaction():
            end(self.box, dispute, body["status"])
        return public(dispute)

    async def fail_payout(self, request: HttpRequest, body: Doc) -> Doc:
        """The bank sends a payout back."""
        payout = self.box.store.get("payout", request.path_params["id"])
        if payout is None:
            raise ControlError("no such payout", 404)
        if payout["status"] in ("failed", "canceled"):
            raise ControlError(f"that payout is {payout['status']} already", 409)
        with self.box.transaction():
            fail_payout(self.box, payout, str(body.get("failure_code", "could_not_process")))
        return public(payout)

    async def fail_refund(self, request: HttpRequest, body: Doc) -> Doc:
        """The card's bank sends a refund back."""
        refund = self.box.store.get("refund", request.path_params["id"])
        if refund is None:
            raise ControlError("no such refund", 404)
        if refund["status"] != "succeeded" or not refund["balance_transaction"]:
            raise ControlError(f"that refund is {refund['status']}, or moved no money", 409)
        with self.box.transaction():
            fail_refund(self.box, refund, str(body.get("failure_reason", "unknown")))
        return public(refund)

    async def onboard(self, request: HttpRequest, body: Doc) -> Doc:
        """Finish the onboarding of a connected account without its page."""
        account = self.box.store.get("account", request.path_params["id"])
        if account is None:
            raise ControlError("no such account", 404)
        with self.box.transaction():
            complete_onboarding(self.box, account, instant=bool(body.get("instant", True)))
        return public(account)

    async def authenticate(self, request: HttpRequest, body: Doc) -> Doc:
        """Complete or fail the 3-D Secure challenge of an intent."""
        result = body.get("result")
        if result not in ("succeed", "fail"):
            raise ControlError("result must be succeed or fail")
        refusal: StripeError | None = None
        with self.box.transaction():
            try:
                intent = finish(self.box, request.path_params["id"], result == "succeed")
            except StripeError as error:
                if not error.commit:
                    raise
                refusal = error
        if refusal:
            return {"error": refusal.error}
        return public(intent)

    async def webhooks(self, request: HttpRequest, body: Doc) -> Doc:
        """Make deliveries misbehave, send an event again, or look at deliveries."""
        outbox = self.box.outbox
        if request.method == "DELETE":
            outbox.configure(dict(WEBHOOK_SETTINGS))
        if request.method == "POST":
            _known(body, {*WEBHOOK_SETTINGS, "resend"})
            if "resend" in body:
                event = self.box.store.get("event", str(body["resend"]))
                if event is None:
                    raise ControlError("no such event", 404)
                owner = str(self.box.store.owner_of("event", event["id"]))
                return {"resent": event["id"], "endpoints": outbox.resend(event, owner)}
            _check_webhook_settings(body)
            outbox.configure(body)
        return webhook_report(self.box, self.courier, dict(request.query_params))

    async def ledger(self, request: HttpRequest, body: Doc) -> Doc:
        """Accounts, balances, trial balance, and the balance transactions of each object."""
        return ledger_report(self.box, dict(request.query_params))

    async def requests(self, request: HttpRequest, body: Doc) -> Doc:
        """Every request to the API, oldest first."""
        after, limit = int(request.query_params.get("after", 0)), int(request.query_params.get("limit", 1000))
        if request.method == "DELETE":
            return {"deleted": self.box.store.db.execute("DELETE FROM requests").rowcount}
        rows = self.box.store.db.execute(
            "SELECT seq, id, method, path, query, form, idempotency_key, status, account, at, replayed, fault "
            "FROM requests WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, min(limit, 10_000)),
        ).fetchall()
        names = (
            "seq",
            "id",
            "method",
            "path",
            "query",
            "form",
            "idempotency_key",
            "status",
            "account",
            "at",
            "replayed",
        )
        data = [dict(zip((*names, "fault"), row, strict=True)) for row in rows]
        for entry in data:
            entry["at"], entry["replayed"] = iso(entry["at"]), bool(entry["replayed"])
        last = data[-1]["seq"] if data else after
        return {"data": data, "last": last, "has_more": len(data) == min(limit, 10_000)}

    async def reset(self, request: HttpRequest, body: Doc) -> Doc:
        """Forget everything; webhook endpoints stay with `{"keep_webhook_endpoints": true}`."""
        _known(body, {"keep_webhook_endpoints"})
        box = self.box
        kept = box.store.find("webhook_endpoint") if body.get("keep_webhook_endpoints") else []
        box.store.wipe()
        box.clock.reset()
        box.schedule.reload()
        self.api.faults.delete()
        self.api.limits.configure(dict(LIMIT_SETTINGS))
        with box.transaction():
            for endpoint in kept:
                box.store.insert("webhook_endpoint", endpoint, private(endpoint)["owner"])
        add_configured(box)
        box.outbox.configure(dict(WEBHOOK_SETTINGS))
        box.outbox.reload()
        return {"reset": True, "now": iso(box.clock.now())}


def control_routes(box: Sandbox, api: Api, courier: Courier) -> list[Route]:
    """The routes of the controls."""
    controls = Controls(box, api, courier)
    table: list[tuple[str, list[str], Control]] = [
        ("", ["GET"], controls.index),
        ("clock", ["GET", "POST"], controls.clock),
        ("faults", ["GET", "POST", "DELETE"], controls.faults),
        ("faults/{id}", ["DELETE"], controls.faults),
        ("limits", ["GET", "POST", "DELETE"], controls.limits),
        ("idempotency/forget", ["POST"], controls.forget_keys),
        ("disputes", ["POST"], controls.dispute),
        ("disputes/{id}/close", ["POST"], controls.close_dispute),
        ("payouts/{id}/fail", ["POST"], controls.fail_payout),
        ("refunds/{id}/fail", ["POST"], controls.fail_refund),
        ("accounts/{id}/onboard", ["POST"], controls.onboard),
        ("authentications/{id}", ["POST"], controls.authenticate),
        ("webhooks", ["GET", "POST", "DELETE"], controls.webhooks),
        ("ledger", ["GET"], controls.ledger),
        ("requests", ["GET", "DELETE"], controls.requests),
        ("reset", ["POST"], controls.reset),
    ]
    return [Route(f"/_sandbox/{path}", _endpoint(box, control), methods=methods) for path, methods, control in table]


def _endpoint(box: Sandbox, control: Control) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def answer(request: HttpRequest) -> Response:
        box.catch_up()
        try:
            text = await request.body()
            body = json.loads(text) if text else {}
            if not isinstance(body, dict):
                raise ControlError("the body must be a JSON object")
            return JSONResponse(await control(request, body))
        except StripeError as error:
            return JSONResponse({"error": error.error}, error.status)
        except ControlError as error:
            return JSONResponse({"error": {"message": str(error)}}, error.status)
        except (ClockError, FaultError, NotWaitingError, ValueError) as error:
            return JSONResponse({"error": {"message": str(error)}}, 400)

    return answer


def _known(body: Doc, names: set[str]) -> None:
    unknown = set(body) - names
    if unknown:
        raise ControlError(f"unknown field: {', '.join(sorted(unknown))}; known: {', '.join(sorted(names))}")


def _check_webhook_settings(body: Doc) -> None:
    if not isinstance(body.get("duplicate", 1), int) or not 0 <= body.get("duplicate", 1) <= 100:
        raise ControlError("duplicate must be a whole number up to 100: how often each event is delivered")
    if not 0 <= float(body.get("drop", 0)) <= 1:
        raise ControlError("drop must be between 0 and 1")
    if float(body.get("delay_seconds", 0)) < 0:
        raise ControlError("delay_seconds must not be negative")
