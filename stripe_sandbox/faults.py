"""Faults the sandbox was told to make."""

import fnmatch
import json
import random
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stripe_sandbox.errors import StripeError
from stripe_sandbox.ids import new_id
from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

KINDS = ("429", "500", "500_after", "409", "lost_request", "lost_response", "delay", "refuse")
ON_EXECUTION = frozenset({"500", "500_after", "refuse"})
"""Kinds that strike only when a request is carried out, not when its key's answer is replayed."""

_FIELDS = {"method", "path", "count", "probability", "seed", "kind", "seconds", "status", "error", "account"}


class FaultError(ValueError):
    """A fault that was described wrongly."""


@dataclass
class Fault:
    """One rule: which requests, how often, what happens to them."""

    doc: Doc
    dice: random.Random = field(default_factory=random.Random)

    def strikes(self, method: str, path: str, account: str) -> bool:
        """Whether this request is hit; counts it."""
        doc = self.doc
        if doc["remaining"] == 0 or (doc["method"] not in ("*", method)) or not _glob(doc["path"]).match(path):
            return False
        if doc["account"] and doc["account"] != account:
            return False
        if doc["probability"] < 1.0:
            doc["draws"] += 1
            if self.dice.random() >= doc["probability"]:
                return False
        if doc["remaining"] is not None:
            doc["remaining"] -= 1
        doc["hits"] += 1
        return True

    def error(self) -> StripeError:
        """The answer of a `refuse`."""
        given = dict(self.doc["error"] or {})
        kind = given.pop("type", "invalid_request_error")
        message = given.pop("message", "The request was refused.")
        status = self.doc["status"] or (402 if kind == "card_error" else 500 if kind == "api_error" else 400)
        return StripeError(status, kind, message, **given)


class Faults:
    """All rules, kept in the state file, tried in the order they were made."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self._faults: dict[str, Fault] = {}
        rows = box.store.db.execute("SELECT doc FROM faults").fetchall()
        for doc in sorted((json.loads(row[0]) for row in rows), key=lambda doc: doc["position"]):
            dice = random.Random(doc["seed"])
            for _ in range(doc["draws"]):
                dice.random()
            self._faults[doc["id"]] = Fault(doc, dice)

    def create(self, body: Doc) -> Doc:
        """A new rule. Raises FaultError when it says nothing sensible."""
        unknown = set(body) - _FIELDS
        if unknown:
            raise FaultError(f"unknown field: {', '.join(sorted(unknown))}; known: {', '.join(sorted(_FIELDS))}")
        kind = str(body.get("kind", ""))
        if kind not in KINDS:
            raise FaultError(f"kind must be one of {', '.join(KINDS)}")
        if kind == "delay" and not isinstance(body.get("seconds"), (int, float)):
            raise FaultError("a delay needs seconds")
        probability = float(body.get("probability", 1.0))
        if not 0 <= probability <= 1:
            raise FaultError("probability must be between 0 and 1")
        count = body.get("count")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise FaultError("count must be a positive integer")
        position = max((fault.doc["position"] for fault in self._faults.values()), default=0) + 1
        doc: Doc = {
            "id": new_id("fault"),
            "method": str(body.get("method", "*")).upper(),
            "path": str(body.get("path", "*")),
            "kind": kind,
            "count": count,
            "remaining": count,
            "probability": probability,
            "seed": body.get("seed"),
            "seconds": body.get("seconds"),
            "status": body.get("status"),
            "error": body.get("error"),
            "account": body.get("account"),
            "hits": 0,
            "draws": 0,
            "position": position,
        }
        self._faults[doc["id"]] = Fault(doc, random.Random(doc["seed"]))
        self._keep(doc)
        return doc

    def list(self) -> list[Doc]:
        """The rules and how often each has struck."""
        return [fault.doc for fault in self._faults.values()]

    def delete(self, id: str | None = None) -> int:
        """Remove one rule or all of them; how many were removed."""
        gone = [id] if id in self._faults else [] if id else list(self._faults)
        for each in gone:
            del self._faults[each]
            self._box.store.db.execute("DELETE FROM faults WHERE id = ?", (each,))
        return len(gone)

    def strike(self, method: str, path: str, account: str, kinds: frozenset[str] | None) -> Fault | None:
        """The first rule that hits a request, among the kinds asked for (None: all that do not need execution)."""
        for fault in self._faults.values():
            wanted = fault.doc["kind"] in kinds if kinds is not None else fault.doc["kind"] not in ON_EXECUTION
            if not wanted:
                continue
            before = fault.doc["hits"], fault.doc["draws"]
            struck = fault.strikes(method, path, account)
            if before != (fault.doc["hits"], fault.doc["draws"]):
                self._keep(fault.doc)
            if struck:
                return fault
        return None

    def __bool__(self) -> bool:
        return bool(self._faults)

    def _keep(self, doc: Doc) -> None:
        self._box.store.db.execute("INSERT OR REPLACE INTO faults VALUES (?, ?)", (doc["id"], json.dumps(doc)))


@lru_cache(maxsize=512)
def _glob(pattern: str) -> "re.Pattern[Any]":
    return re.compile(fnmatch.translate(pattern))
