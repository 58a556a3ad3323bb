"""Pages a browser sees: onboarding, 3-D Secure, an Express account, receipts, and the browser script."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from stripe_sandbox import html
from stripe_sandbox.errors import StripeError
from stripe_sandbox.ids import token
from stripe_sandbox.resources.account_shapes import individual
from stripe_sandbox.resources.accounts import complete_onboarding
from stripe_sandbox.resources.authentication import NotWaitingError, find_intent, finish
from stripe_sandbox.resources.external_accounts import add_external_account
from stripe_sandbox.resources.payment_intents import browser_view as payment_intent_view
from stripe_sandbox.resources.setup_intents import browser_view as setup_intent_view
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, private

SCRIPT = Path(__file__).parent / "static" / "stripe.js"
_OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}

Page = Callable[[HttpRequest], Awaitable[Response]]


class Pages:
    """The functions behind the pages."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box

    async def script(self, request: HttpRequest) -> Response:
        """The part of Stripe.js that pages use."""
        return Response(SCRIPT.read_text(), media_type="text/javascript", headers=_OPEN_TO_ALL)

    async def open_link(self, request: HttpRequest) -> Response:
        """An account link: once it leads to the form, used or expired it leads to refresh_url."""
        name = f"account_link:{request.path_params['key']}"
        link = self.box.store.meta(name)
        if link is None:
            return _message("This link does not exist.", 404)
        if link["session"] or link["expires_at"] <= self.box.clock.now():
            return RedirectResponse(link["refresh_url"], 303)
        link["session"] = token(32)
        with self.box.transaction():
            self.box.store.set_meta(name, link)
            self.box.store.set_meta(f"onboarding:{link['session']}", link)
        return RedirectResponse(f"/_sandbox/onboarding/session/{link['session']}", 303)

    async def onboarding(self, request: HttpRequest) -> Response:
        """The onboarding form; what was saved is there again when it is opened later."""
        session = self.box.store.meta(f"onboarding:{request.path_params['session']}")
        account = self.box.store.get("account", session["account"]) if session else None
        if session is None or account is None:
            return _message("This onboarding session does not exist.", 404)
        if account["details_submitted"]:
            return RedirectResponse(session["return_url"], 303)
        if request.method == "GET":
            return HTMLResponse(html.onboarding(account, {}))
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        return self._onboard(session, account, form)

    def _onboard(self, session: Doc, account: Doc, form: dict[str, str]) -> Response:
        wrong = _check_onboarding(form) if form.get("action") != "later" else {}
        if wrong:
            return HTMLResponse(html.onboarding(account, form, wrong), 400)
        person = {name: form[name] for name in ("first_name", "last_name") if form.get(name)}
        with self.box.transaction():
            account["individual"] = individual(account, person, self.box.now)
            self.box.save("account", account)
            if form.get("action") != "later":
                instant = bool(form.get("instant"))
                if not account["external_accounts"]["data"]:
                    bank = {"object": "bank_account", "account_number": form["account_number"]}
                    add_external_account(self.box, account, bank, instant=instant)
                complete_onboarding(self.box, account)
        return RedirectResponse(session["return_url"], 303)

    async def three_d_secure(self, request: HttpRequest) -> Response:
        """The 3-D Secure challenge; JSON for the browser script, a page that leads back to return_url for people."""
        wants_json = "application/json" in request.headers.get("accept", "")
        intent = find_intent(self.box, request.path_params["id"])
        if intent is None or request.query_params.get("client_secret") != intent["client_secret"]:
            return _message("There is no such payment.", 404)
        if request.method == "GET":
            if intent["status"] != "requires_action":
                return _back(intent) or _message("This challenge is over. You can close this window.")
            return HTMLResponse(html.challenge(intent))
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            with self.box.transaction():
                intent = self._finish(intent, form.get("result") == "succeed")
        except NotWaitingError:
            intent = find_intent(self.box, intent["id"]) or intent
        if wants_json:
            view = setup_intent_view if intent["object"] == "setup_intent" else payment_intent_view
            return JSONResponse(view(intent), headers=_OPEN_TO_ALL)
        return _back(intent) or _message("Thank you. You can close this window.")

    def _finish(self, intent: Doc, succeeded: bool) -> Doc:
        try:
            return finish(self.box, intent["id"], succeeded)
        except StripeError as error:
            if not error.commit:
                raise
            return find_intent(self.box, intent["id"]) or intent

    async def express(self, request: HttpRequest) -> Response:
        """What the owner of an Express account sees: balances, payments and payouts."""
        account = self.box.store.get("account", request.path_params["id"])
        if account is None:
            return _message("There is no such account.", 404)
        transactions = self.box.store.db.execute(
            "SELECT json_extract(doc, '$.type'), json_extract(doc, '$.amount'), json_extract(doc, '$.net'), "
            "json_extract(doc, '$.currency'), json_extract(doc, '$.status') FROM o_balance_transaction "
            "WHERE owner = ? ORDER BY created DESC, seq DESC LIMIT 50",
            (account["id"],),
        ).fetchall()
        return HTMLResponse(html.express(account, self.box.ledger.balance(account["id"]), transactions))

    async def receipt(self, request: HttpRequest) -> Response:
        """The receipt of a charge."""
        charge = self.box.store.get("charge", request.path_params["id"])
        return HTMLResponse(html.receipt(charge)) if charge else _message("There is no such receipt.", 404)


def page_routes(box: Sandbox) -> list[Route]:
    """The routes of the pages."""
    pages = Pages(box)
    table: list[tuple[str, list[str], Page]] = [
        ("/v3", ["GET"], pages.script),
        ("/v3/", ["GET"], pages.script),
        ("/_sandbox/onboarding/session/{session}", ["GET", "POST"], pages.onboarding),
        ("/_sandbox/onboarding/{key}", ["GET"], pages.open_link),
        ("/_sandbox/3ds/{id}", ["GET", "POST"], pages.three_d_secure),
        ("/_sandbox/express/{id}", ["GET"], pages.express),
        ("/_sandbox/receipts/{id}", ["GET"], pages.receipt),
    ]
    return [Route(path, _caught_up(box, page), methods=methods) for path, methods, page in table]


def _caught_up(box: Sandbox, page: Page) -> Page:
    async def answer(request: HttpRequest) -> Response:
        box.catch_up()
        return await page(request)

    return answer


def _message(text: str, status: int = 200) -> Response:
    return HTMLResponse(html.message(text), status)


def _back(intent: Doc) -> Response | None:
    """To the intent's return_url, with what Stripe adds to it."""
    url = private(intent).get("return_url")
    if not url:
        return None
    name = intent["object"]
    ok = intent["status"] in ("succeeded", "requires_capture", "processing")
    added: dict[str, Any] = {
        name: intent["id"],
        f"{name}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if ok else "failed",
    }
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)


def _check_onboarding(form: dict[str, str]) -> dict[str, str]:
    wrong = {name: "Please fill this in." for name in ("first_name", "last_name") if not form.get(name, "").strip()}
    number = form.get("account_number", "")
    if not number.isdigit() or len(number) != 12:
        wrong["account_number"] = "A test account number has twelve digits, such as 000123456789."
    if not form.get("agree"):
        wrong["agree"] = "Please agree to continue."
    return wrong
