"""The table of API routes: which function answers which call, with which parameters."""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stripe_sandbox.types import Doc

if TYPE_CHECKING:
    from stripe_sandbox.request import Request
    from stripe_sandbox.sandbox import Sandbox

Handler = Callable[["Sandbox", "Request"], Doc]


@dataclass(frozen=True)
class Route:
    """One call of the API. `params` names the class of stripe's Python package that types its parameters."""

    method: str
    path: str
    params: str
    handler: Handler
    pattern: re.Pattern[str] = field(repr=False)
    browser: bool = False
    """A publishable key may make this call."""


ROUTES: list[Route] = []
_exact: dict[tuple[str, str], Route] = {}
_by_length: dict[tuple[str, int], list[Route]] = {}


def route(method: str, path: str, params: str = "", *, browser: bool = False) -> Callable[[Handler], Handler]:
    """Register a function for a call, such as `@route("POST", "/v1/refunds", "RefundCreateParams")`."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")
        entry = Route(method, path, params, handler, pattern, browser)
        ROUTES.append(entry)
        if "{" in path:
            _by_length.setdefault((method, path.count("/")), []).append(entry)
        else:
            _exact[method, path] = entry
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a call and the values of its path, or None."""
    entry = _exact.get((method, path))
    if entry:
        return entry, {}
    for entry in _by_length.get((method, path.count("/")), ()):
        match = entry.pattern.match(path)
        if match:
            return entry, match.groupdict()
    return None


def load_resources() -> None:
    """Import every module of `resources`, so that their routes are registered."""
    import stripe_sandbox.resources as package

    for info in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{info.name}")
