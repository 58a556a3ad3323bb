"""What an endpoint can refuse, read from the code: every problem that its methods, and what they call, name to raise.

Followed are functions of our own rooms and of classes that are named, by their names; a name in `except …:` or in
an annotation does not count. What nobody
names but everybody may get (401, 413, 429, …) is added by `accounts/openapi.py`, and what hides behind
a model's method is named by the view in `refuses`. Tests hold every answer they see against it.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from django.db.models import Model

from common.problems import Problem, Refused

ROOMS = ("accounts", "bookings", "catalog", "common", "community", "credits", "instainstru", "packages", "payments")
NOT_FOLLOWED = ("accounts.api_view", "accounts.problem_responses", "common.problems", "common.clock")


def refusals_of(view: type[Any], method: str) -> frozenset[type[Problem]]:
    """The problems that this method of a view can answer by itself."""
    handler = getattr(view, method.lower(), None)
    found: set[type[Problem]] = set(getattr(view, "refuses", ()))
    seen: set[object] = set()
    methods: dict[str, set[FunctionType]] = {}  # of the classes, and of the things of a class, that were named
    called = {"__init__", "__post_init__", "__enter__", "__call__"}  # and whatever stands after a dot
    waiting: list[Callable[..., Any]] = [handler] if handler else []
    while waiting:
        function = inspect.unwrap(waiting.pop())
        if function in seen or not _is_ours(function):
            continue
        seen.add(function)
        for thing in _named(function, view):
            if isinstance(thing, type) and issubclass(thing, Problem):
                found.add(thing)
            elif isinstance(thing, FunctionType):
                waiting.append(thing)
            else:
                kind = thing if isinstance(thing, type) else type(thing)
                if kind.__module__.split(".")[0] in ROOMS and not issubclass(kind, Model):
                    for name, member in vars(kind).items():
                        if isinstance(member, FunctionType):
                            methods.setdefault(name, set()).add(member)
        called |= _names_after_a_dot(function)
        waiting += [member for name in called & methods.keys() for member in methods[name] - seen]
    return frozenset(found - {Problem, Refused})  # named to say what kind something is, never raised as they are


def _is_ours(function: Any) -> bool:
    module = str(getattr(function, "__module__", ""))
    return module.split(".")[0] in ROOMS and module not in NOT_FOLLOWED and isinstance(function, FunctionType)


def _named(function: Any, view: type[Any]) -> Iterator[Any]:
    """Everything of ours that a function's body names: globals, members of our modules, methods of the view."""
    for path in _paths(function):
        if path[0] == "self":
            member = getattr(view, path[1], None) if len(path) > 1 else None
            yield getattr(member, "func", getattr(member, "fget", member))
            continue
        thing: Any = function.__globals__.get(path[0])
        for name in path[1:]:
            if not isinstance(thing, ModuleType):
                break
            thing = getattr(thing, name, None)
        yield from thing.values() if isinstance(thing, dict) else thing if isinstance(thing, tuple) else (thing,)


@cache
def _tree(function: Any) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return ast.Module([], [])  # made by a program (a dataclass's own methods), or a lambda in the middle of a line


def _names_after_a_dot(function: Any) -> set[str]:
    return {node.attr for node in ast.walk(_tree(function)) if isinstance(node, ast.Attribute)}


@cache
def _paths(function: Any) -> tuple[tuple[str, ...], ...]:
    """The dotted names in a function's body, as tuples, without those that it catches or annotates with."""
    tree = _tree(function)
    passed_by = {id(inner) for node in ast.walk(tree) for part in _not_run(node) for inner in ast.walk(part)}
    names = (
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name) and id(node) not in passed_by
    )
    return tuple({path for node in names if (path := _dotted(node))})


def _not_run(node: ast.AST) -> list[ast.expr]:
    """The parts of a node that name something without using it."""
    parts = [getattr(node, name, None) for name in ("annotation", "returns")]
    caught = node.type if isinstance(node, ast.ExceptHandler) else None
    return [part for part in (*parts, caught) if isinstance(part, ast.expr)]


def _dotted(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attr):
            start = _dotted(value)
            return (*start, attr) if start else ()
    return ()
