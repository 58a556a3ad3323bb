"""Every error code there is, found in the code: what docs/api/errors.md and `/api/v1/errors` are made from."""

import importlib
import pkgutil
from functools import cache

from common.problems import Problem, Refused

ROOMS = (
    "accounts",
    "bookings",
    "catalog",
    "common",
    "community",
    "credits",
    "instainstru",
    "packages",
    "pages",
    "payments",
    "sandbox_mode",
    "support",
)
NOT_LOOKED_INTO = ("__main__", ".migrations", ".management", "djstripe_migrations", "instainstru.run")


@cache
def catalogue() -> dict[str, type[Problem]]:
    """The class of every code, by status and then by code. Raises TypeError when two classes share a code."""
    by_code: dict[str, type[Problem]] = {}
    for problem in sorted(every_problem() - {Refused}, key=lambda problem: (problem.status, problem.code)):
        if problem.code in by_code:
            raise TypeError(f"{problem.__name__} and {by_code[problem.code].__name__} share the code {problem.code!r}.")
        by_code[problem.code] = problem
    return by_code


def every_problem() -> set[type[Problem]]:
    """Every class of ours that is a Problem."""
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not any(part in module.name for part in NOT_LOOKED_INTO):
                importlib.import_module(module.name)
    return {problem for problem in _below(Problem) if problem.__module__.partition(".")[0] in ROOMS}


def _below(parent: type[Problem]) -> set[type[Problem]]:
    return {parent}.union(*(_below(child) for child in parent.__subclasses__()))
