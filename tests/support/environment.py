"""The environment of one pytest process, set before Django reads its settings. Nothing is started here.

Every process (every xdist worker) has its own home folder, ports and database name, so that they never meet.
"""

import os
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
from django.conf import settings

from instainstru.run.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres

BASE_DIR = Path(__file__).resolve().parent.parent.parent
SHARED = BASE_DIR / ".instainstru-tests"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE = f"test_{os.getpid()}_{WORKER}"
# The server is DATABASE_URL's when that is given; kept under another name, because DATABASE_URL becomes our database.
GIVEN_SERVER = os.environ.setdefault("TEST_DATABASE_SERVER", os.environ.get("DATABASE_URL", ""))
FOREIGN = ("STRIPE_API_BASE", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "SITE_URL", "REDIS_URL", "DEBUG", "BIND")
PORTS = range(20_000, 32_000, 2)  # below the range from which the kernel hands out ports by itself


def server() -> EmbeddedPostgres:
    """The embedded server that all test runs of this working copy share."""
    return EmbeddedPostgres(SHARED / "postgres", settings={**THROWAWAY_SETTINGS, "lock_timeout": "30s"})


def url_of(database: str) -> str:
    """DATABASE_URL for one database of the tests' server."""
    if GIVEN_SERVER:
        return urlunsplit(urlsplit(GIVEN_SERVER)._replace(path=f"/{database}"))
    return server().url(database)


def settle_in() -> Path:
    """Set this process's environment, load Django and return its home folder. Call `leave` at the end."""
    if settings.configured:
        raise RuntimeError("Django's settings were read too early: unset DJANGO_SETTINGS_MODULE.")
    home = Path(tempfile.mkdtemp(prefix="instainstru-test-"))
    (home / "static").mkdir()
    port = free_ports()
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ |= {
        "INSTAINSTRU_HOME": str(home),
        "DATABASE_URL": url_of(DATABASE),
        "PORT": str(port),
        "STRIPE_SANDBOX_PORT": str(port + 1),
        "STRIPE_MODE": "sandbox",
        "CONVERSATION_STREAM_SECONDS": "0",  # a stream tells what there is and ends
    }
    # Not left in the environment: xdist's workers inherit it, and pytest-django would load Django before they are here.
    os.environ["DJANGO_SETTINGS_MODULE"] = "instainstru.settings"
    django.setup()
    del os.environ["DJANGO_SETTINGS_MODULE"]
    return home


def leave(home: Path) -> None:
    """Delete the home folder."""
    shutil.rmtree(home, ignore_errors=True)


def free_ports() -> int:
    """The first of two neighbouring free ports; different processes start looking at different places."""
    start = os.getpid() * 7 % len(PORTS)
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if _is_free(port) and _is_free(port + 1):
            return port
    raise RuntimeError("No free ports.")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
