"""Holds objects and requests against Stripe's own published types."""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

SCHEMA_FILE = Path(__file__).parent / "data" / "stripe_types.json.gz"


def _close_enums(node: Any) -> Any:
    """Stripe types an enum as "these, or any string"; without the string arm a wrong value is found."""
    if isinstance(node, dict):
        if any("enum" in arm for arm in node.get("anyOf", []) if isinstance(arm, dict)):
            node = {**node, "anyOf": [arm for arm in node["anyOf"] if arm != {"type": "string"}]}
        return {key: _close_enums(value) for key, value in node.items()}
    return [_close_enums(item) for item in node] if isinstance(node, list) else node


@cache
def schema() -> dict[str, Any]:
    """The whole schema, its enums closed."""
    loaded: dict[str, Any] = json.loads(gzip.decompress(SCHEMA_FILE.read_bytes()))
    return {"roots": loaded["roots"], "definitions": _close_enums(loaded["definitions"])}


@cache
def _validator(group: str, name: str) -> Draft7Validator | None:
    root = schema()["roots"][group].get(name)
    return Draft7Validator({**root, "definitions": schema()["definitions"]}) if root else None


def _errors(validator: Draft7Validator | None, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value) if validator else ():
        best = best_match([error]) or error
        yield f"{'/'.join(map(str, best.absolute_path)) or '.'}: {best.message[:300]}"


def object_errors(value: dict[str, Any]) -> list[str]:
    """What is wrong with one Stripe object, judged by its "object" name; unknown names are not judged."""
    name = str(value.get("object"))
    if value.get("deleted") or _validator("Objects", name) is None:
        return []
    return [f"{name} {value.get('id', '')} {error}" for error in _errors(_validator("Objects", name), value)]


def objects_in(body: Any) -> Iterator[dict[str, Any]]:
    """The objects of an answer: of a list its entries, of an event and an error what they carry."""
    if not isinstance(body, dict):
        return
    if isinstance(body.get("data"), list):
        for item in body["data"]:
            yield from objects_in(item)
    elif body.get("object") == "event":
        yield body["data"]["object"]
    elif "error" in body:
        for name in ("payment_intent", "setup_intent", "payment_method"):
            if isinstance(body["error"].get(name), dict):
                yield body["error"][name]
    elif "object" in body:
        yield body


def parameters_of(call: str) -> set[str]:
    """The names of a call's parameters, such as "POST /v1/refunds"."""
    definition = schema()["roots"]["Params"][call]["$ref"].rsplit("/", 1)[1]
    return set(schema()["definitions"][definition]["properties"])


def calls() -> list[str]:
    """The calls whose parameters the schema knows."""
    return sorted(schema()["roots"]["Params"])


def _nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in pairs:
        parts = re.findall(r"[^\[\]]+", key)
        node = tree
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        node[parts[-1]] = value
    return tree


def _read(node: Any) -> Any:
    """A form carries strings: every reading of one that JSON could have meant."""
    if isinstance(node, dict):
        read = {key: _read(value) for key, value in node.items()}
        return [read[key] for key in sorted(read, key=int)] if read and all(key.isdigit() for key in read) else read
    if node in ("true", "false"):
        return node == "true"
    return int(node) if re.fullmatch(r"-?\d+", node) else node


def request_errors(method: str, path: str, form: str) -> list[str]:
    """What is wrong with a form-encoded request body for a call."""
    parts = path.strip("/").split("/")
    if len(parts) > 2:
        parts[2] = "{id}"
    validator = _validator("Params", f"{method} /{'/'.join(parts)}")
    if validator is None:
        return []
    tree = _read(_nest(parse_qsl(form, keep_blank_values=True)))
    if isinstance(tree.get("metadata"), dict):
        tree["metadata"] = {key: str(value) for key, value in tree["metadata"].items()}
    return [f"{method} {path} {error}" for error in _errors(validator, tree)]
