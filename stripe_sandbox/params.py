"""Parameters held against Stripe's own types, and turned from form strings into values.

The types are data/params.json, derived from the type hints of Stripe's Python package by `build_params`.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from stripe_sandbox.errors import ParameterError
from stripe_sandbox.types import Doc

_TABLE = Path(__file__).parent / "data" / "params.json"
_INTEGER = re.compile(r"-?\d{1,18}\Z")
_EXPAND_ONLY: dict[str, Any] = {"expand": ["l", "s"]}


@cache
def _table() -> Doc:
    table: Doc = json.loads(_TABLE.read_text())
    return table


@cache
def _shape_of(params: str) -> dict[str, Any]:
    table = _table()
    shape: dict[str, Any] = table["shapes"][table["calls"][params]] if params else _EXPAND_ONLY
    return shape


@cache
def _fields(index: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    return _split(_table()["shapes"][index])


@cache
def _call_fields(params: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    fields, required = _split(_shape_of(params))
    return {**_EXPAND_ONLY, **fields}, required


def _split(shape: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    fields = {name.removesuffix("!"): node for name, node in shape.items()}
    return fields, tuple(name.removesuffix("!") for name in shape if name.endswith("!"))


def validate(params: str, form: Doc, extra: dict[str, Any] | None = None) -> Doc:
    """The form's values in their types, or ParameterError. `extra` allows more fields, such as a client_secret."""
    fields, required = _call_fields(params)
    if extra:
        fields = {**fields, **extra}
    return _hash(fields, required, form, "")


def field_names(params: str, field: str) -> set[str]:
    """The names inside a hash parameter, such as the capabilities of AccountCreateParams."""
    return set(_fields(_shape_of(params)[field][1])[0])


def _hash(fields: dict[str, Any], required: tuple[str, ...], form: Doc, prefix: str) -> Doc:
    values: Doc = {}
    for name, value in form.items():
        path = f"{prefix}[{name}]" if prefix else name
        node = fields.get(name)
        if node is None:
            raise ParameterError(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)
        values[name] = _value(node, value, path)
    for name in required:
        if name not in values:
            path = f"{prefix}[{name}]" if prefix else name
            raise ParameterError(f"Missing required param: {path}.", code="parameter_missing", param=path)
    return values


def _value(node: Any, value: Any, path: str) -> Any:
    if isinstance(node, str):
        return _scalar(node, value, path)
    kind = node[0]
    if kind == "u":
        return _union(node[1:], value, path)
    if kind == "e":
        if value in node[1]:
            return value
        raise ParameterError(f"Invalid {path}: must be {_one_of(node[1])}", param=path)
    if kind == "l":
        return _list(node[1], value, path)
    if not isinstance(value, dict):
        if value == "" and kind == "m":
            return ""
        raise ParameterError("Invalid object", param=path)
    if kind == "m":
        return {name: _value(node[1], item, f"{path}[{name}]") if item != "" else "" for name, item in value.items()}
    fields, required = _fields(node[1])
    return _hash(fields, required, value, path)


def _scalar(node: str, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise ParameterError(
            f"Invalid {'string' if node == 's' else 'value'}: a hash or an array was given", param=path
        )
    if node == "s":
        return value if value != "" else _refuse_empty(path)
    if node == "":
        return "" if value == "" else _refuse(value, path)
    if value == "":
        return _refuse_empty(path)
    if node == "i":
        if _INTEGER.match(value):
            return int(value)
        raise ParameterError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
    if node == "b":
        if value in ("true", "false"):
            return value == "true"
        raise ParameterError(f"Invalid boolean: {value}", param=path)
    try:
        return float(Decimal(value))
    except InvalidOperation:
        raise ParameterError(f"Invalid decimal: {value}", param=path) from None


def _refuse(value: str, path: str) -> Any:
    raise ParameterError(f"Invalid value: {value}", param=path)


def _refuse_empty(path: str) -> Any:
    raise ParameterError(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a field; however "
        f"'{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )


def _union(arms: list[Any], value: Any, path: str) -> Any:
    refusal: ParameterError | None = None
    for arm in arms:
        try:
            return _value(arm, value, path)
        except ParameterError as error:
            if refusal is None or (isinstance(arm, list) and isinstance(value, dict) == (arm[0] in "om")):
                refusal = error
    assert refusal is not None
    raise refusal


def _list(node: Any, value: Any, path: str) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, list):
        raise ParameterError("Invalid array", param=path)
    return [_value(node, item, f"{path}[{position}]") for position, item in enumerate(value)]


def _one_of(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values[:-1])}, or {values[-1]}"
