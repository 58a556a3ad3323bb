"""What the controls tell about the ledger and the webhooks."""

import json
from typing import TYPE_CHECKING

from stripe_sandbox.clock import iso
from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox
    from stripe_sandbox.webhooks import Courier


def ledger_report(box: "Sandbox", query: dict[str, str]) -> Doc:
    """Balances of every account, the proof that they add up, and with `?objects=1` balance transactions by source."""
    db = box.store.db
    balances = db.execute("SELECT account, currency, amount FROM balances ORDER BY account").fetchall()
    lines = db.execute("SELECT account, currency, SUM(amount) FROM lines GROUP BY account, currency").fetchall()
    unbalanced = db.execute("SELECT journal FROM lines GROUP BY journal, currency HAVING SUM(amount) <> 0").fetchall()
    accounts: dict[str, Doc] = {}
    outside: dict[str, dict[str, int]] = {}
    for name, currency, amount in balances:
        owner, _, side = name.partition(":")
        if not side:
            outside.setdefault(name, {})[currency] = amount
            continue
        entry = accounts.setdefault(owner, {"available": {}, "pending": {}, "reserved": {}})
        part = entry[side.split(":")[0]]
        part[currency] = part.get(currency, 0) + amount
    nets = db.execute(
        "SELECT owner, json_extract(doc, '$.currency'), SUM(json_extract(doc, '$.net')) "
        "FROM o_balance_transaction GROUP BY 1, 2"
    ).fetchall()
    differences = [
        {"account": owner, "currency": currency, "balance_transactions": net, "balance": held}
        for owner, currency, net in nets
        for held in [_held(accounts.get(owner, {}), currency)]
        if held != net
    ]
    report: Doc = {
        "platform": box.platform,
        "accounts": accounts,
        "outside": outside,
        "trial_balance": _trial(balances),
        "balanced": not unbalanced
        and not differences
        and sorted(lines) == sorted((name, currency, amount) for name, currency, amount in balances)
        and not any(_trial(balances).values()),
        "differences": differences,
    }
    if query.get("objects"):
        report["objects"] = _objects(box, query.get("account"))
    return report


def _held(account: Doc, currency: str) -> int:
    return int(account.get("available", {}).get(currency, 0) + account.get("pending", {}).get(currency, 0))


def _trial(balances: list[tuple[str, str, int]]) -> dict[str, int]:
    trial: dict[str, int] = {}
    for _, currency, amount in balances:
        trial[currency] = trial.get(currency, 0) + amount
    return trial


def _objects(box: "Sandbox", account: str | None) -> dict[str, list[Doc]]:
    rows = box.store.db.execute(
        "SELECT owner, doc FROM o_balance_transaction WHERE ? IS NULL OR owner = ? ORDER BY created, seq",
        (account, account),
    )
    objects: dict[str, list[Doc]] = {}
    for owner, text in rows:
        doc = json.loads(text)
        names = ("id", "type", "amount", "fee", "net", "currency", "status", "created", "available_on")
        objects.setdefault(doc["source"] or "-", []).append({"account": owner, **{name: doc[name] for name in names}})
    return objects


def webhook_report(box: "Sandbox", courier: "Courier", query: dict[str, str]) -> Doc:
    """Settings, counts and, without `?summary=1`, the latest deliveries with their answers."""
    outbox = box.outbox
    report: Doc = {"settings": dict(outbox.settings), "counts": outbox.counts(), "under_way": courier.busy}
    report["pending"] = report["counts"]["pending"]
    if query.get("summary"):
        return report
    after, limit = int(query.get("after", 0)), min(int(query.get("limit", 1000)), 10_000)
    rows = box.store.db.execute(
        "SELECT seq, event, type, endpoint, account, status, attempts, answers, not_before FROM deliveries "
        "WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    ).fetchall()
    report["data"] = [
        {
            "seq": seq,
            "event": event,
            "type": type,
            "endpoint": endpoint,
            "account": account,
            "status": status,
            "attempts": attempts,
            "answers": json.loads(answers),
            "not_before": iso(not_before) if not_before else None,
        }
        for seq, event, type, endpoint, account, status, attempts, answers, not_before in rows
    ]
    return report
