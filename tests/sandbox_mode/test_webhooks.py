"""Webhooks end to end: registered at Stripe, signed, stored once, worked through by the cluster."""

import json
import time
from io import StringIO
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.management import call_command
from djstripe.models import WebhookEndpoint, WebhookEventTrigger

from bookings.stripe_events import HANDLERS
from common import clock
from payments import gateway, webhook_endpoints
from payments.models import ConnectAccount, StripeEventInbox
from payments.vocabulary import PaymentStatus
from sandbox_mode import walker
from tests.support.cast import make_cast, soon
from tests.support.sandbox import Sandbox


def connect() -> str:
    said = StringIO()
    call_command("connect_webhooks", stdout=said)
    return said.getvalue()


@pytest.mark.usefixtures("house")
class TestRegistering:
    def test_both_endpoints_are_registered_once(self) -> None:
        assert "platform: made" in connect()
        before = {(e["id"], e["url"]) for e in gateway.webhook_endpoints()}
        assert len(before) == 2
        assert "connect: kept" in connect()
        assert {(e["id"], e["url"]) for e in gateway.webhook_endpoints()} == before
        for row in WebhookEndpoint.objects.all():
            assert row.url == webhook_endpoints.address_of(str(row.djstripe_uuid))
            assert row.secret.startswith("whsec_")
            assert (row.livemode, row.djstripe_tolerance, row.djstripe_validation_method) == (
                False,
                300,
                "verify_signature",
            )
            assert sorted(row.enabled_events) == sorted(HANDLERS)

    def test_one_whose_secret_nobody_knows_is_replaced(self) -> None:
        connect()
        lost = WebhookEndpoint.objects.order_by("pk")[0]
        WebhookEndpoint.objects.filter(pk=lost.pk).delete()
        connect()
        at_stripe = {e["id"] for e in gateway.webhook_endpoints()}
        assert lost.id not in at_stripe
        assert at_stripe == set(WebhookEndpoint.objects.values_list("id", flat=True))

    def test_endpoints_of_other_sites_are_left_alone(self) -> None:
        other = gateway.create_webhook_endpoint(
            url="https://elsewhere.example/hook", connect=False, events=["payout.paid"], key="other"
        )
        connect()
        assert other["id"] in {e["id"] for e in gateway.webhook_endpoints()}


def endpoint_of(kind: str) -> WebhookEndpoint:
    ours = {e["id"]: e["metadata"]["instainstru"] for e in gateway.webhook_endpoints()}
    return WebhookEndpoint.objects.get(id=next(name for name, what in ours.items() if what == kind))


def test_an_event_is_delivered_stored_once_and_worked_through_by_the_cluster(
    running_site: str, sandbox: Sandbox
) -> None:
    """3-D Secure at checkout: nothing but the webhook tells us that the bank said yes."""
    now = clock.now()
    cast = make_cast(now)
    booking = cast.book(soon(20), now=now)
    pending = cast.check_out(booking, now=now, card="pm_card_threeDSecure2Required")
    assert pending.requires_action
    booking.payment.refresh_from_db()
    intent = booking.payment.payment_intent_id
    sandbox.control("POST", f"authentications/{intent}", result="succeed")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # by the cluster alone: nobody settles here
        booking.payment.refresh_from_db()
        if booking.payment.status == PaymentStatus.AUTHORIZED:
            break
        time.sleep(0.1)
    assert booking.payment.status == PaymentStatus.AUTHORIZED
    event = StripeEventInbox.objects.get(type="payment_intent.amount_capturable_updated", object_id=intent)
    sandbox.control("POST", "webhooks", resend=event.pk)
    walker.settle()
    assert StripeEventInbox.objects.filter(pk=event.pk).count() == 1
    assert booking.events.filter(kind="hold_placed").count() == 1
    assert not StripeEventInbox.objects.filter(processed_at=None).exists()
    assert not WebhookEventTrigger.objects.exclude(exception="").exists()


def test_events_of_connected_accounts_come_through_their_own_endpoint(running_site: str, sandbox: Sandbox) -> None:
    now = clock.now()
    cast = make_cast(now)
    account = str(cast.instructor.stripe_account_id)
    walker.settle()
    noted = StripeEventInbox.objects.filter(type="account.updated", stripe_account=account)
    assert noted.exists()
    assert all(event.result == "noted" for event in noted)
    assert ConnectAccount.objects.get(stripe_account_id=account).charges_enabled
    connect_row = endpoint_of("connect")
    assert {t.webhook_endpoint_id for t in WebhookEventTrigger.objects.filter(body__contains="account.updated")} == {
        connect_row.id
    }


def test_a_bad_signature_opens_nothing(running_site: str) -> None:
    row = endpoint_of("platform")
    body = json.dumps(
        {"id": "evt_forged", "type": "payout.paid", "livemode": False, "data": {"object": {"id": "po_1"}}}
    )
    headers: dict[str, Any] = {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"}
    for extra in ({}, {"X-Djstripe-Webhook-Secret": "whsec_mine"}):
        answer = httpx.post(row.url, content=body, headers=headers | extra)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert not StripeEventInbox.objects.exists()
    assert not WebhookEventTrigger.objects.exists()


def test_a_lesson_is_walked_through_with_a_running_site(running_site: str, sandbox: Sandbox) -> None:
    now = clock.now()
    booking = make_cast(now).lesson(soon(30), now=now)
    answer = httpx.post(f"{running_site}/sandbox/clock", json={"advance_seconds": 80 * 3600}, timeout=60).json()
    assert {ran["name"] for ran in answer["jobs"] if ran["processed"]} >= {
        "process_scheduled_authorizations",
        "capture_completed_lessons",
    }
    assert answer["webhooks"] > 0
    booking.refresh_from_db()
    assert booking.payment_status == PaymentStatus.SETTLED
    report = sandbox.control("GET", "webhooks?summary=1")
    assert (report["pending"], report["under_way"]) == (0, 0)
    assert settings.SANDBOX_MODE
