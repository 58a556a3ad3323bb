"""Onboarding, 3-D Secure with a redirect, and what else people see."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe

from .conftest import PUBLISHABLE_KEY, Process
from .payments import pay


@pytest.fixture
def fresh(api: stripe.StripeClient) -> stripe.Account:
    """An account that has not been onboarded."""
    return api.v1.accounts.create(
        {"type": "express", "email": "new@example.com", "capabilities": {"transfers": {"requested": True}}}
    )


def link_of(api: stripe.StripeClient, account: stripe.Account) -> str:
    return api.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "https://example.com/refresh",
            "return_url": "https://example.com/return",
        }
    ).url


def test_onboarding_in_two_sittings(api: stripe.StripeClient, sandbox: Process, fresh: stripe.Account) -> None:
    link = link_of(api, fresh)
    opened = sandbox.http.get(link)
    form = opened.headers["location"]
    assert "Bank account number" in sandbox.http.get(form).text
    used = sandbox.http.get(link)
    assert used.headers["location"] == "https://example.com/refresh"
    wrong = sandbox.http.post(form, data={"first_name": "Ada", "action": "submit", "account_number": "<1>"})
    assert wrong.status_code == 400
    assert "Please fill this in." in wrong.text
    assert "&lt;1&gt;" in wrong.text
    later = sandbox.http.post(form, data={"first_name": "Ada", "action": "later"})
    assert later.headers["location"] == "https://example.com/return"
    assert not api.v1.accounts.retrieve(fresh.id).details_submitted
    again = sandbox.http.get(link_of(api, fresh)).headers["location"]
    assert 'value="Ada"' in sandbox.http.get(again).text
    done = sandbox.http.post(
        again,
        data={
            "first_name": "Ada",
            "last_name": "L",
            "account_number": "000123456789",
            "agree": "1",
            "instant": "1",
            "action": "submit",
        },
    )
    assert done.headers["location"] == "https://example.com/return"
    account = api.v1.accounts.retrieve(fresh.id)
    assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (True, True, True)
    assert account.capabilities
    assert account.capabilities.transfers == "active"
    assert account.requirements
    assert account.requirements.currently_due == []
    types = [event.type for event in api.v1.events.list(options={"stripe_account": fresh.id}).data]
    assert types[:2] == ["account.updated", "capability.updated"]
    login = api.v1.accounts.login_links.create(fresh.id)
    assert "new@example.com" in sandbox.http.get(login.url).text


def test_an_expired_link_leads_to_refresh_url(
    api: stripe.StripeClient, sandbox: Process, fresh: stripe.Account
) -> None:
    link = link_of(api, fresh)
    sandbox.advance(301)
    assert sandbox.http.get(link).headers["location"] == "https://example.com/refresh"
    assert sandbox.http.get("/_sandbox/onboarding/nothing").status_code == 404


@pytest.mark.parametrize(("result", "status"), [("succeed", "succeeded"), ("fail", "failed")])
def test_three_d_secure_with_a_redirect(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, result: str, status: str
) -> None:
    intent = pay(api, customer, card="pm_card_authenticationRequired", return_url="https://example.com/back?a=1")
    assert intent.next_action
    assert intent.next_action.redirect_to_url
    url = str(intent.next_action.redirect_to_url.url)
    assert "$100.00" in sandbox.http.get(url).text
    back = urlsplit(sandbox.http.post(url, data={"result": result}).headers["location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    assert query == {
        "a": "1",
        "payment_intent": intent.id,
        "payment_intent_client_secret": str(intent.client_secret),
        "redirect_status": status,
    }
    assert sandbox.http.get(url.split("?")[0]).status_code == 404
    assert sandbox.http.get(url).headers["location"].startswith("https://example.com/back")


def test_a_browser_needs_the_client_secret(
    api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer, account: stripe.Account
) -> None:
    intent = pay(api, customer, account, fee=100)

    def look(secret: str) -> httpx.Response:
        return sandbox.http.get(
            f"/v1/payment_intents/{intent.id}", params={"key": PUBLISHABLE_KEY, "client_secret": secret}
        )

    assert look("wrong").status_code == 404
    seen = look(str(intent.client_secret))
    assert (seen.status_code, seen.headers["access-control-allow-origin"]) == (200, "*")
    assert not {"transfer_data", "application_fee_amount", "metadata", "customer"} & set(seen.json())
    assert sandbox.http.options("/v1/payment_intents").status_code == 204


def test_receipts_and_the_script(api: stripe.StripeClient, sandbox: Process, customer: stripe.Customer) -> None:
    charge = api.v1.charges.retrieve(str(pay(api, customer).latest_charge))
    assert "$100.00 paid" in sandbox.http.get(str(charge.receipt_url)).text
    for path in ("/v3", "/v3/"):
        script = sandbox.http.get(path)
        assert script.headers["content-type"].startswith("text/javascript")
        assert "window.Stripe" in script.text
