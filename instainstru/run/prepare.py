"""What needs Django before the site can open: run by `make run`, or by hand when the parts are run in another way.

    python -m instainstru.run.prepare

Repeatable: whatever is done already is left alone. What the commands print goes to standard error.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command, get_commands

from .progress import step


def main() -> int:
    with step("django"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
        django.setup()
    for name, work in _steps():
        with step(name):
            work()
    return 0


def _steps() -> list[tuple[str, Callable[[], Any]]]:
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("migrations", lambda: _command("migrate", interactive=False)),
        ("job status", lambda: _command("createcachetable")),
        ("static files", lambda: _command("collectstatic", interactive=False)),
        ("webhooks", lambda: _command("connect_webhooks")),
        ("schedules", lambda: _command("sync_schedules")),
    ]
    if settings.SANDBOX_MODE:
        steps.append(("demo data", _seed_when_empty))
    return steps


def _seed_when_empty() -> None:
    from django.contrib.auth import get_user_model

    if "seed_demo" in get_commands() and not get_user_model()._default_manager.exists():
        _command("seed_demo")


def _command(name: str, **options: Any) -> None:
    call_command(name, stdout=sys.stderr, **options)


if __name__ == "__main__":
    sys.exit(main())
