"""Requests that nobody would send, at every endpoint as everybody: none may break it, and none be answered undocumented.

Two sources: schemathesis makes requests from the schema, such as fit it and such as do not; and every member of a good
request, one after the other, becomes something nasty, so that what lies behind the first check is met too.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core import NOT_SET
from schemathesis.generation.modes import GenerationMode

from tests.support import contract
from tests.support.contract import document

from .asking import PREFIX, ask, endpoints, made, operation_of
from .requests import Sent
from .world import World

STREAMS = {"GET conversations/{conversation_id}/events"}  # go on for 25 seconds: tests/community
NASTY: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, float("1e308"), "", " ", "\x00", "a\x00b", "\ud800", "ÅΩ\u202e\U0001f600", "x" * 70_000,
    "' OR 1=1 --", "../../etc/passwd", "{{7*7}}", "%00", "-0", "NaN", "Infinity", "0001-01-01", "9999-12-31T23:59:59-14:00",
    "2027-02-30T25:61:00Z",
    "2027-03-14T02:30:00", "00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", [], [[]], {}, {"a": {"$gt": ""}}, [None] * 200,
]  # fmt: skip


@dataclass
class Fuzz:
    """How many requests were sent, and what was found."""

    world: World
    sent: int = 0
    found: list[str] = field(default_factory=list)

    def send(self, role: str, endpoint: str, sent: Sent) -> int:
        """Ask, and note what must not be: a 5xx, or an answer that the schema does not know. Returns the status."""
        contract.findings()
        response = ask(self.world.client(role), endpoint, sent)
        self.sent += 1
        status = int(response.status_code)
        complaints = contract.findings()
        if status >= 500:
            complaints.append(f"{status} {b'' if response.streaming else response.content[:300]!r}")
        if response.streaming:
            response.close()
        self.found += [f"{role}: {endpoint} {_short(sent)}: {complaint}" for complaint in complaints]
        return status

    # --- From the schema ---------------------------------------------------------------------------------------------
    def generated(self, role: str, endpoint: str, mode: GenerationMode, *, examples: int, seed_: int = 1) -> None:
        """Requests that schemathesis makes from the schema. The same seed makes the same requests."""
        known = _known(self.world, endpoint)

        @seed(seed_)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=_operations()[endpoint].as_strategy(generation_mode=mode))
        def attack(case: Any) -> None:
            path = {name: str(value) for name, value in (case.path_parameters or {}).items()}
            odd = self.sent % 2  # every other request is about something that is there
            self.send(
                role,
                endpoint,
                Sent(
                    path={**path, **(known if odd else {})},
                    body=None if case.body is NOT_SET else case.body,
                    query={name: value for name, value in (case.query or {}).items() if value is not NOT_SET},
                    headers=_headers(case.headers),
                ),
            )

        with suppress(Unsatisfiable):  # nothing that this endpoint takes could be wrong
            attack()

    # --- From good requests ------------------------------------------------------------------------------------------
    def spoiled(self, role: str, endpoint: str, *, every: int = 1, first: int = 0) -> None:
        """A good request with one member made nasty; `every` n-th of them, from the `first` on."""
        good = made(self.world, endpoint)
        for number, bad in enumerate(_spoiled(endpoint, good)):
            if number % every == first % every and self.send(role, endpoint, bad) < 300 and endpoint[:3] != "GET":
                self.world.restore()
                made(self.world, endpoint)


def attacked() -> list[str]:
    """The endpoints that are attacked."""
    return [endpoint for endpoint in endpoints() if endpoint not in STREAMS]


@cache
def _operations() -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(document())
    results: Any = schema.get_all_operations()
    operations = [result.ok() for result in results]
    return {f"{operation.method.upper()} {operation.path.removeprefix(PREFIX)}": operation for operation in operations}


def _known(world: World, endpoint: str) -> dict[str, str]:
    """Ids of the path that are there."""
    there = {
        "booking_id": world.lesson.pk,
        "instructor_id": world.instructor.user.pk,
        "package_id": world.package.pk,
        "conversation_id": world.talked.pk,
        "code": "not_found",
    }
    return {name: value for name, value in there.items() if f"{{{name}}}" in endpoint}


def _spoiled(endpoint: str, good: Sent) -> Iterator[Sent]:
    body = dict(good.body or {})
    for name in _members(endpoint) | set(body):
        for value in NASTY:
            yield replace(good, body={**body, name: value})
    if endpoint[:3] == "GET":
        for name in {parameter["name"] for parameter in _parameters(endpoint) if parameter["in"] == "query"}:
            for value in NASTY:
                if not isinstance(value, dict):
                    yield replace(good, query={**good.query, name: "" if value is None else value})
    elif good.body is not None:
        wholes: list[Any] = [[], "text", 7, None, _deep()]
        yield from (replace(good, body=whole) for whole in wholes)
    for parameter in _parameters(endpoint):
        if parameter["in"] == "header":
            yield from (
                replace(good, headers={parameter["name"]: value}) for value in ("", "*", '"', "x" * 300, 'W/"a"')
            )


def _members(endpoint: str) -> set[str]:
    content = operation_of(endpoint).get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))


def _parameters(endpoint: str) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = operation_of(endpoint).get("parameters", [])
    return parameters


def _deep() -> Any:
    deep: Any = {}
    for _ in range(400):
        deep = {"a": [deep]}
    return deep


def _headers(headers: Any) -> dict[str, str]:
    """Those that HTTP can carry: a header's value is Latin-1 on one line."""
    carried = {}
    for name, value in (headers or {}).items():
        text = str(value)
        if (
            name.lower() not in ("authorization", "cookie", "host", "content-length", "content-type")
            and text.isprintable()
        ):
            carried[name] = text.encode("latin-1", "ignore").decode("latin-1")
    return carried


def _short(sent: Sent) -> str:
    said = json.dumps([sent.path, sent.query, sent.body, sent.headers], default=str)
    return said if len(said) < 400 else f"{said[:400]}…"
