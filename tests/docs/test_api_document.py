"""docs/api.md names every error code and limit there is."""

import importlib
import pkgutil

from django.conf import settings

from common.problems import Problem

from .tables import DOCS, plain, table

API = DOCS / "api.md"
PACKAGES = ("accounts", "bookings", "catalog", "common", "credits", "instainstru", "payments", "sandbox_mode")


def test_every_error_code_is_documented_with_its_status() -> None:
    listed = sorted((int(row["HTTP"]), plain(row["Code"])) for row in table(API, "errors"))
    assert listed == sorted(_codes())


def _codes() -> set[tuple[int, str]]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    return {(problem.status, problem.code) for problem in _problems(Problem) if _is_ours(problem)}


def _problems(parent: type[Problem]) -> list[type[Problem]]:
    return [parent, *(problem for child in parent.__subclasses__() for problem in _problems(child))]


def _is_ours(problem: type[Problem]) -> bool:
    return problem.__module__.partition(".")[0] in PACKAGES


def test_the_limits_are_the_settings_defaults() -> None:
    told = {row["Kind"]: int(row["A minute"]) for row in table(API, "limits")}
    assert told == settings.RATE_LIMITS_PER_MINUTE
