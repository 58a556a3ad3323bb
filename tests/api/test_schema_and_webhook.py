"""The API's own description, and the door that only Stripe may open."""

import hashlib
import hmac
import html
import json
import re
import time
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse
from djstripe.models import WebhookEndpoint, WebhookEventTrigger
from rest_framework.test import APIClient

from payments.models import StripeEventInbox
from tests.docs.tables import DOCS

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "livemode": False,
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}


def test_the_schema_is_valid_and_without_warnings(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    schema = yaml.safe_load((tmp_path / "schema.yml").read_text())

    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert {"500", "503"} <= set(operation["responses"]), (path, method)
            assert operation["description"], (path, method)
            assert operation["x-who"], (path, method)


def test_schema_and_docs_are_public(anybody: APIClient, database: None) -> None:
    schema = anybody.get("/api/v1/schema/")
    assert (schema.status_code, schema.json()["openapi"]) == (200, "3.1.0")
    assert schema.json() == json.loads((DOCS / "api" / "openapi.json").read_text(encoding="utf-8"))


def test_the_docs_page_runs_under_a_strict_content_security_policy(anybody: APIClient, database: None) -> None:
    page = anybody.get("/api/v1/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<style" not in text
    assert " style=" not in text
    sources = re.findall(r'<script src="([^"]+)"></script>', text)
    assert len(sources) == text.count("<script") == 3
    for address in [*sources[:2], *re.findall(r'href="([^"]+)"', text)]:
        assert address.startswith("/static/"), address
        assert finders.find(address.removeprefix("/static/")), address
    script = anybody.get(html.unescape(sources[2]))
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert b"/api/v1/schema/" in script.content


@pytest.fixture
def endpoint(database: None) -> Any:
    return WebhookEndpoint.objects.create(
        id="we_1",
        livemode=False,
        secret="whsec_right",
        url="https://example.com/",
        status="enabled",
        api_version="2026-08-26.dahlia",
        enabled_events=["*"],
    )


def deliver(endpoint: Any, secret: str, body: bytes | None = None, **headers: Any) -> Any:
    body = body or json.dumps(EVENT).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    path = reverse("djstripe:djstripe_webhook_by_uuid", kwargs={"uuid": endpoint.djstripe_uuid})
    assert path.startswith("/api/v1/payments/webhooks/stripe/")
    return APIClient(raise_request_exception=False).post(
        path,
        body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={stamp},v1={signature}", **headers},
    )


def test_a_signed_event_is_stored_once(endpoint: Any) -> None:
    assert deliver(endpoint, "whsec_right").status_code == 200
    assert deliver(endpoint, "whsec_right").status_code == 200
    assert list(StripeEventInbox.objects.values_list("event_id", flat=True)) == ["evt_1"]


@pytest.mark.parametrize("debug", [False, True])
def test_a_forged_event_is_refused_and_nothing_is_written_debug_or_not(
    endpoint: Any, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    own_secret: dict[str, Any] = {"x-djstripe-webhook-secret": "whsec_mine"}
    response = deliver(endpoint, "whsec_mine", **own_secret)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_signature"
    assert not WebhookEventTrigger.objects.exists()
    assert not StripeEventInbox.objects.exists()


@pytest.mark.parametrize("body", [b"\xff", b"[]", b"5", b"{}", b"\x00", b"{"])
def test_a_body_that_is_no_event_is_refused(endpoint: Any, body: bytes) -> None:
    assert deliver(endpoint, "whsec_mine", body).status_code == 400


@pytest.mark.parametrize("signature", [None, "", "t=1", "t=x,v1=y", "v1=", "\u00e4"])
def test_a_signature_that_is_none_is_refused(endpoint: Any, signature: str | None) -> None:
    path = reverse("djstripe:djstripe_webhook_by_uuid", kwargs={"uuid": endpoint.djstripe_uuid})
    headers = {} if signature is None else {"Stripe-Signature": signature}
    response = APIClient(raise_request_exception=False).post(path, EVENT, format="json", headers=headers)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_signature"


def test_an_endpoint_without_a_secret_opens_for_nobody(endpoint: Any) -> None:
    WebhookEndpoint.objects.update(secret="")

    assert deliver(endpoint, "").status_code == 400


def test_an_unknown_endpoint_is_not_there(endpoint: Any, anybody: APIClient) -> None:
    path = "/api/v1/payments/webhooks/stripe/webhook/6d7f5a38-52ab-4e8b-b2e2-27bde58ca3cf/"

    assert anybody.post(path, EVENT, format="json").status_code == 404
    assert anybody.get(path).status_code == 405
