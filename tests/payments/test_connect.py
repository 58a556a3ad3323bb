"""On the way to be paid: where an instructor stands, what is missing in words, and events in any order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common import clock
from common.actors import Role
from payments import connect, gateway
from payments.connect import Onboarding, missing_in_words, note_account, onboarding_of
from payments.models import ConnectAccount
from sandbox_mode.people import make_person
from tests.api.conftest import client_of
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"stripe_account_id": None}, Onboarding.NOT_STARTED),
        ({"disabled_reason": "requirements.past_due"}, Onboarding.PENDING),
        ({"details_submitted": True, "disabled_reason": "requirements.pending_verification"}, Onboarding.PENDING),
        ({"details_submitted": True, "disabled_reason": "under_review"}, Onboarding.PENDING),
        ({"details_submitted": True, "disabled_reason": "requirements.past_due"}, Onboarding.RESTRICTED),
        (
            {"details_submitted": True, "charges_enabled": True, "disabled_reason": "requirements.past_due"},
            Onboarding.RESTRICTED,
        ),
        ({"details_submitted": True, "disabled_reason": "rejected.fraud"}, Onboarding.RESTRICTED),
        ({"details_submitted": True, "charges_enabled": True, "payouts_enabled": True}, Onboarding.COMPLETED),
    ],
)
def test_where_somebody_stands(facts: dict[str, Any], state: Onboarding) -> None:
    assert onboarding_of(ConnectAccount(**{"stripe_account_id": "acct_1", **facts})) is state


def test_what_is_missing_is_said_once_and_in_words() -> None:
    due = ["individual.dob.day", "individual.dob.month", "external_account", "settings.odd", "individual.maiden_name"]
    assert missing_in_words(ConnectAccount(requirements_due=due)) == [
        "Your date of birth",
        "A bank account for your payouts",
        "Something Stripe calls settings.odd",
        "Something about you",
    ]


def test_from_nothing_to_completed_and_restricted(
    house: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person(role=Role.INSTRUCTOR, now=clock.now(), connected=False)
    client = client_of(person.user)

    def status() -> dict[str, Any]:
        found: dict[str, Any] = client.get("/api/v1/payments/connect/status").json()
        return found

    assert (status()["state"], status()["missing"], status()["deadline"]) == ("not_started", [], None)
    assert client.post("/api/v1/payments/connect/onboard").status_code == 200
    pending = status()
    assert pending["state"] == "pending"
    assert "A bank account for your payouts" in pending["missing"]
    assert "Your date of birth" in pending["missing"]
    assert len(pending["missing"]) == len(set(pending["missing"]))
    account_id = pending["stripe_account_id"]
    sandbox.control("POST", f"accounts/{account_id}/onboard")
    done = status()
    assert (done["state"], done["missing"], done["payouts_enabled"]) == ("completed", [], True)

    real, asked = gateway.account, {"past_due": [], "currently_due": ["individual.verification.document"]}
    deadline = 1_900_000_000
    monkeypatch.setattr(
        gateway,
        "account",
        lambda account: {**real(account), "requirements": {**asked, "current_deadline": deadline}},
    )
    warned = status()
    assert (warned["state"], warned["missing"]) == ("completed", ["A photo of your identity document"])
    assert datetime.fromisoformat(warned["deadline"]) == datetime.fromtimestamp(deadline, UTC)


def test_what_was_read_before_does_not_overwrite_what_is_known(house: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events at once: the one that read Stripe first writes last. And each may come twice."""
    person = make_person(role=Role.INSTRUCTOR, now=clock.now())
    now = clock.now()
    assert note_account(person.stripe_account_id, now=now)
    assert note_account(person.stripe_account_id, now=now)
    old = {**gateway.account(person.stripe_account_id), "payouts_enabled": False}
    monkeypatch.setattr(gateway, "account", lambda account: old)
    assert note_account(person.stripe_account_id, now=now - timedelta(seconds=1))
    assert ConnectAccount.objects.get().payouts_enabled
    assert connect.note_account(person.stripe_account_id, now=now + timedelta(seconds=1))
    assert not ConnectAccount.objects.get().payouts_enabled
