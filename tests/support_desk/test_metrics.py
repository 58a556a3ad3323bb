"""Figures for Prometheus: from the database, behind a token, under the names that alerts and dashboards use."""

import json
import re
from datetime import timedelta

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from bookings.models import SupportItem
from common import clock
from support.health import figures
from tests.support.environment import BASE_DIR

from .conftest import browser_of, member

NAME = re.compile(r"\binstainstru_[a-z0-9_]+")
AUTHORIZED = {"headers": {"authorization": "Bearer sandbox-metrics"}}


def read(client: Client) -> dict[str, list[tuple[dict[str, str], float]]]:
    answer = client.get("/metrics", **AUTHORIZED)  # type: ignore[arg-type]
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {family.name: [(sample.labels, sample.value) for sample in family.samples] for family in families}


def test_the_figures_are_for_whoever_has_the_token(database: None, settings) -> None:  # type: ignore[no-untyped-def]
    client = Client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer sandbox-metricsx"}).status_code == 401
    assert client.post("/metrics").status_code in (403, 405)
    assert read(client)["instainstru_holds_overdue"] == [({}, 0)]
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", **AUTHORIZED).status_code == 404  # type: ignore[arg-type]


def test_what_waits_is_counted_by_kind(database: None) -> None:
    now = clock.now()
    SupportItem.objects.create(kind="chargeback", cause="dp_1", opened_at=now - timedelta(hours=2))
    found = read(Client())
    assert ({"kind": "chargeback"}, 1) in found["instainstru_support_items"]
    [(_, age)] = found["instainstru_oldest_support_item_seconds"]
    assert 7199 < age < 7300


def test_alerts_and_dashboards_use_metrics_that_exist(database: None) -> None:
    exist = {figure.name: {frozenset(labels.items()) for labels, _ in figure.values} for figure in figures(clock.now())}
    alerts = yaml.safe_load((BASE_DIR / "deploy/prometheus/alerts.yml").read_text())
    expressions = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    for file in (BASE_DIR / "deploy/grafana").glob("*.json"):
        board = json.loads(file.read_text())
        expressions += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        names = NAME.findall(expression)
        assert names, expression
        for name in names:
            assert name in exist, f"{expression} uses {name}"
        for label, value in re.findall(r'(\w+)=~?"([^"]+)"', expression):
            known = dict(pair for pairs in exist[names[0]] for pair in [(v, k) for k, v in pairs])
            for one in value.split("|"):
                assert known.get(one) == label, f"{expression} uses {label}={one}"


@pytest.mark.parametrize("page", ["health", "money", "ledger", "rates", "mails", "asked", ""])
def test_pages_of_figures_open(database: None, page: str) -> None:
    where = {"ledger": "money/ledger", "rates": "money/rates"}.get(page, page)
    assert browser_of(member("read-only")).get(f"/admin/desk/{where}{'/' if where else ''}").status_code == 200
