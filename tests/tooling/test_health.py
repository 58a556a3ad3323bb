"""`/healthz/ready` names what is missing."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from instainstru import health


@pytest.fixture(autouse=True)
def _no_ping_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS_BETWEEN_PINGS", 0)


def missing(client: Client) -> list[str]:
    answer = client.get("/healthz/ready")
    assert answer.status_code == (503 if answer.json()["missing"] else 200)
    found: list[str] = answer.json()["missing"]
    return found


def test_alive_is_who_answers(client: Client) -> None:
    assert client.get("/healthz/live").status_code == 200


def test_without_a_job_cluster(house: None, client: Client) -> None:
    assert missing(client) == ["job cluster"]


def test_without_stripe(house: None, client: Client, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert missing(client) == ["stripe", "job cluster"]


def test_when_stripe_does_not_accept_our_key(house: None, client: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_wrong"
    assert missing(client) == ["stripe", "job cluster"]


def test_without_a_database(house: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        connection.close()
        patch.setitem(connection.settings_dict, "OPTIONS", {"host": "/nowhere", "connect_timeout": 1})
        assert missing(client) == ["database", "job cluster"]
    connection.close()


@pytest.mark.slow
def test_ready_when_all_are_there(running_site: str, client: Client) -> None:
    assert missing(client) == []
