"""How requests are read, refused, repeated and remembered."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from stripe_sandbox.forms import parse_form
from stripe_sandbox.params import validate
from stripe_sandbox.routing import ROUTES, load_resources

from . import stripe_types
from .conftest import PUBLISHABLE_KEY, SECRET_KEY, Json, Process
from .payments import hold, intent_in, pay

BEARER = {"Authorization": f"Bearer {SECRET_KEY}"}


def post(sandbox: Process, path: str, form: Json | None = None, **headers: str) -> httpx.Response:
    return sandbox.http.post(path, data=form or {}, headers=BEARER | headers)


def error_of(answer: httpx.Response) -> Json:
    error: Json = answer.json()["error"]
    return error


def test_keys(sandbox: Process) -> None:
    assert sandbox.http.get("/v1/customers").status_code == 401
    wrong = sandbox.http.get("/v1/customers", headers={"Authorization": "Bearer sk_test_nobody"})
    assert (wrong.status_code, error_of(wrong)["type"]) == (401, "invalid_request_error")
    assert sandbox.http.get("/v1/customers", auth=(SECRET_KEY, "")).status_code == 200
    public = sandbox.http.get("/v1/customers", headers={"Authorization": f"Bearer {PUBLISHABLE_KEY}"})
    assert (public.status_code, error_of(public)["code"]) == (401, "secret_key_required")
    stranger = sandbox.http.get("/v1/balance", headers=BEARER | {"Stripe-Account": "acct_nobody"})
    assert (stranger.status_code, error_of(stranger)["code"]) == (403, "account_invalid")


def test_unknown_routes_and_parameters_are_refused(sandbox: Process) -> None:
    unknown = sandbox.http.get("/v1/teapots", headers=BEARER)
    assert unknown.status_code == 404
    assert error_of(unknown)["message"].startswith("Unrecognized request URL (GET: /v1/teapots)")
    for path, form, code, param in (
        ("/v1/customers", {"colour": "red"}, "parameter_unknown", "colour"),
        ("/v1/payment_intents", {"amount": "100"}, "parameter_missing", "currency"),
        ("/v1/payment_intents", {"amount": "12.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ("/v1/payment_intents", {"amount": "10", "currency": "usd"}, "amount_too_small", "amount"),
        ("/v1/payment_intents", {"amount": "", "currency": "usd"}, "parameter_invalid_empty", "amount"),
        ("/v1/payment_intents", {"amount": "100", "currency": "usd", "confirm": "yes"}, None, "confirm"),
        ("/v1/payment_intents", {"amount": "100", "currency": "usd", "capture_method": "x"}, None, "capture_method"),
        ("/v1/payment_intents", {"amount": "100", "currency": "zzz"}, None, "currency"),
        (
            "/v1/payment_intents",
            {"amount": "100", "currency": "usd", "transfer_data[who]": "x"},
            "parameter_unknown",
            "transfer_data[who]",
        ),
        (
            "/v1/payment_intents",
            {"amount": "100", "currency": "usd", "customer": "cus_x"},
            "resource_missing",
            "customer",
        ),
    ):
        answer = post(sandbox, path, form)
        error = error_of(answer)
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error"), form
        assert (error.get("code"), error["param"]) == (code, param), form
    listing = sandbox.http.get("/v1/customers?limit=101", headers=BEARER)
    assert (listing.status_code, error_of(listing)["param"]) == (400, "limit")
    missing = sandbox.http.get("/v1/payment_intents/pi_nothing", headers=BEARER)
    assert (missing.status_code, error_of(missing)["code"]) == (404, "resource_missing")


def test_answers_carry_stripes_headers(sandbox: Process) -> None:
    answer = post(sandbox, "/v1/customers", {}, **{"Idempotency-Key": "headers-1"})
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-08-26.dahlia"
    assert answer.headers["Idempotency-Key"] == "headers-1"
    assert "Idempotent-Replayed" not in answer.headers


def test_the_parameter_table_knows_what_stripes_types_know() -> None:
    load_resources()
    by_call = {(route.method, route.path): route for route in ROUTES}
    checked = 0
    for call in stripe_types.calls():
        method, path = call.split(" ")
        for (known, pattern), route in by_call.items():
            if known == method and _same(pattern, path):
                _check_names(route.params, stripe_types.parameters_of(call))
                checked += 1
    assert checked == len(stripe_types.calls())


def _same(pattern: str, path: str) -> bool:
    left, right = pattern.split("/"), path.split("/")
    return len(left) == len(right) and all(a == b or "{" in a + b for a, b in zip(left, right, strict=True))


def _check_names(params: str, names: set[str]) -> None:
    table = json.loads((Path(__file__).parents[2] / "stripe_sandbox" / "data" / "params.json").read_text())
    own = {name.removesuffix("!") for name in table["shapes"][table["calls"][params]]}
    assert own == names, params


def test_forms_with_brackets() -> None:
    assert parse_form("a[b]=1&c[]=2&c[]=3&d[0][e]=4&f=") == {
        "a": {"b": "1"},
        "c": ["2", "3"],
        "d": [{"e": "4"}],
        "f": "",
    }
    assert validate("RefundCreateParams", {"amount": "12", "reverse_transfer": "true"}) == {
        "amount": 12,
        "reverse_transfer": True,
    }


def test_lists_page_in_both_directions_and_filter(api: stripe.StripeClient, sandbox: Process) -> None:
    made = [api.v1.customers.create({"email": f"{number % 2}@example.com"}).id for number in range(7)]
    assert [each.id for each in api.v1.customers.list({"limit": 3}).auto_paging_iter()] == made[::-1]
    page = api.v1.customers.list({"limit": 2, "starting_after": made[4]})
    assert ([each.id for each in page.data], page.has_more) == ([made[3], made[2]], True)
    back = api.v1.customers.list({"limit": 2, "ending_before": made[3]})
    assert ([each.id for each in back.data], back.has_more) == ([made[5], made[4]], True)
    assert {each.id for each in api.v1.customers.list({"email": "1@example.com"})} == {made[1], made[3], made[5]}
    sandbox.advance(100)
    late = api.v1.customers.create({})
    assert [each.id for each in api.v1.customers.list({"created": {"gte": late.created}})] == [late.id]
    assert len(api.v1.customers.list({"created": {"lt": late.created}}).data) == 7


def test_expanding(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = pay(api, customer)
    page = api.v1.payment_intents.list({"expand": ["data.latest_charge.balance_transaction", "data.customer"]})
    charge = page.data[0].latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(page.data[0].customer, stripe.Customer)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.v1.payment_intents.retrieve(intent.id, {"expand": ["amount"]})


def test_a_key_replays_its_first_answer(sandbox: Process) -> None:
    first = post(sandbox, "/v1/customers", {"email": "a@example.com"}, **{"Idempotency-Key": "k1"})
    again = post(sandbox, "/v1/customers", {"email": "a@example.com"}, **{"Idempotency-Key": "k1"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    other = post(sandbox, "/v1/customers", {"email": "b@example.com"}, **{"Idempotency-Key": "k1"})
    assert (other.status_code, error_of(other)["type"]) == (400, "idempotency_error")
    sandbox.advance(24 * 3600)
    later = post(sandbox, "/v1/customers", {"email": "a@example.com"}, **{"Idempotency-Key": "k1"})
    assert later.json()["id"] != first.json()["id"]
    long = post(sandbox, "/v1/customers", {}, **{"Idempotency-Key": "x" * 256})
    assert long.status_code == 400
    sandbox.control("POST", "idempotency/forget")
    anew = post(sandbox, "/v1/customers", {"email": "a@example.com"}, **{"Idempotency-Key": "k1"})
    assert anew.json()["id"] != later.json()["id"]


def test_a_decline_is_stored_under_its_key(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    answers = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            api.v1.payment_intents.create(
                {
                    "amount": 5000,
                    "currency": "usd",
                    "customer": customer.id,
                    "payment_method": "pm_card_chargeDeclined",
                    "payment_method_types": ["card"],
                    "confirm": True,
                },
                {"idempotency_key": "declined"},
            )
        answers.append(intent_in(declined.value).id)
    assert answers[0] == answers[1]
    assert len(api.v1.payment_intents.list().data) == 1


def test_invalid_parameters_are_not_stored_under_the_key(sandbox: Process) -> None:
    key = {"Idempotency-Key": "mistyped"}
    assert post(sandbox, "/v1/customers", {"colour": "red"}, **key).status_code == 400
    assert post(sandbox, "/v1/customers", {"email": "a@example.com"}, **key).status_code == 200


def test_a_key_in_use_is_409(sandbox: Process) -> None:
    sandbox.control("POST", "faults", kind="delay", path="/v1/customers", seconds=0.6, count=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(post, sandbox, "/v1/customers", {}, **{"Idempotency-Key": "slow"})
        threading.Event().wait(0.2)
        second = post(sandbox, "/v1/customers", {}, **{"Idempotency-Key": "slow"})
        assert (second.status_code, error_of(second)["code"]) == (409, "idempotency_key_in_use")
        elsewhere = post(sandbox, "/v1/customers", {})
        assert elsewhere.status_code == 200
        assert not slow.done()
        assert slow.result().status_code == 200


def test_requests_are_remembered(api: stripe.StripeClient, sandbox: Process, account: stripe.Account) -> None:
    before = sandbox.control("GET", "requests")["last"]
    api.v1.customers.create({"email": "a@example.com", "metadata": {"a": "b"}}, {"idempotency_key": "remember"})
    api.v1.balance.retrieve(options={"stripe_account": account.id})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"charge": "ch_nothing"})
    seen = sandbox.control("GET", f"requests?after={before}")["data"]
    assert [(each["method"], each["path"], each["status"]) for each in seen] == [
        ("POST", "/v1/customers", 200),
        ("GET", "/v1/balance", 200),
        ("POST", "/v1/refunds", 400),
    ]
    assert seen[0]["idempotency_key"] == "remember"
    assert seen[1]["account"] == account.id
    assert stripe_types.request_errors("POST", seen[0]["path"], seen[0]["form"]) == []
    assert stripe_types.request_errors("POST", "/v1/customers", "colour=red")


def test_the_types_find_what_is_wrong(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = hold(api, customer).to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(intent))
    assert stripe_types.object_errors(plain) == []
    assert stripe_types.object_errors({**plain, "status": "captured"})
    assert stripe_types.object_errors({**plain, "surprise": 1})
    assert stripe_types.object_errors({key: value for key, value in plain.items() if key != "amount"})
