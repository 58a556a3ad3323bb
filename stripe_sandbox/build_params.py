"""Rebuild data/params.json from the type hints of the installed `stripe` package.

    python -m stripe_sandbox.build_params

Run it after a new version of `stripe` was pinned. The table keeps, for each of the calls the sandbox answers, every
parameter with its type, deduplicated; no prose is taken.
"""

import importlib
import json
import pkgutil
import re
import typing
from pathlib import Path
from typing import Any, get_args, get_origin

import stripe
from stripe._request_options import RequestOptions

from stripe_sandbox.routing import ROUTES, load_resources

TARGET = Path(__file__).parent / "data" / "params.json"

_shapes: list[dict[str, Any]] = []
_known: dict[str, int] = {}
_done: dict[str, int] = {}
_modules: dict[str, str] = {}


class _Untyped(dict[str, str]):
    """Stands for stripe's UntypedStripeObject, a hash of strings."""

    def __class_getitem__(cls, item: Any) -> Any:
        return dict[str, item]


def _hints(cls: type) -> dict[str, Any]:
    module = importlib.import_module(cls.__module__)
    names = {**vars(typing), **vars(module), "UntypedStripeObject": _Untyped, "Decimal": float, "StripeContext": str}
    hints: dict[str, Any] = typing.get_type_hints(cls, globalns=names, localns=names, include_extras=False)
    return {name: hint for name, hint in hints.items() if name not in RequestOptions.__annotations__}


def _node(hint: Any) -> Any:
    """As JSON: "s" "i" "f" "b", ["e", values], ["l", item], ["m", value], ["o", shape], ["u", arms], "" is ""."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is str:
        return "s"
    if hint is bool:
        return "b"
    if hint is int:
        return "i"
    if hint is float:
        return "f"
    if hint is type(None):
        return ""
    if origin is typing.Literal:
        values = [value for value in args if value != ""]
        arms: list[Any] = ["e", values] if values else []
        return "" if not values else (["u", "", arms] if "" in args else arms)
    if origin in (list, typing.Sequence):
        return ["l", _node(args[0])]
    if origin is dict:
        return ["m", _node(args[1])]
    if origin is typing.Union or str(origin) == "<class 'types.UnionType'>":
        return _union([_node(arg) for arg in args])
    if isinstance(hint, type) and hasattr(hint, "__annotations__") and not issubclass(hint, _Untyped):
        return ["o", _shape(hint)]
    if hint is _Untyped:
        return ["m", "s"]
    return "s"


def _union(arms: list[Any]) -> Any:
    flat: list[Any] = []
    for arm in arms:
        for part in arm[1:] if isinstance(arm, list) and arm[0] == "u" else [arm]:
            if part not in flat:
                flat.append(part)
    if any(isinstance(arm, list) and arm[0] == "e" for arm in flat):
        flat = [arm for arm in flat if arm != "s"]  # Stripe types an enum as "these, or any string"
    return flat[0] if len(flat) == 1 else ["u", *flat]


def _shape(cls: type) -> int:
    key = f"{cls.__module__}.{cls.__qualname__}"
    if key in _done:
        return _done[key]
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    shape = {(f"{name}!" if name in required else name): _node(hint) for name, hint in _hints(cls).items()}
    text = json.dumps(shape, sort_keys=True)
    if text not in _known:
        _known[text] = len(_shapes)
        _shapes.append(shape)
    _done[key] = _known[text]
    return _done[key]


def _class(name: str) -> type:
    if not _modules:
        import stripe.params as package

        for info in pkgutil.iter_modules(package.__path__):
            _modules[info.name] = f"{package.__name__}.{info.name}"
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    found: type = getattr(importlib.import_module(_modules[f"_{snake}"]), name)
    return found


def main() -> None:
    """Write the table for every route that names one of stripe's parameter classes."""
    load_resources()
    calls = {}
    for route in ROUTES:
        if route.params and route.params not in calls:
            calls[route.params] = _shape(_class(route.params))
    source = f"Derived from the type hints of stripe-python {stripe.VERSION}, MIT licence: see LICENSE.stripe."
    table = {"source": source, "calls": dict(sorted(calls.items())), "shapes": _shapes}
    TARGET.write_text(json.dumps(table, separators=(",", ":"), sort_keys=True) + "\n")
    print(f"{len(calls)} calls, {len(_shapes)} shapes, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
