"""What the truth tests run against: gunicorn workers and a job cluster, with a mutex; and a Redis that can be killed."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.environment import PORTS
from tests.support.processes import running

MODES = ("postgres", "off", "redis")
UNLIMITED = {f"RATE_{kind}_PER_MINUTE": "1000000" for kind in ("READ", "WRITE", "MONEY", "LOGIN")}


class Redis:
    """A private Redis on a port of its own, without a disk."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process:
            return
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *words, "--dir", str(self._home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("Redis does not start.")

    def kill(self) -> None:
        """SIGKILL: whoever holds a lease in it has lost it without knowing."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


def has_redis() -> bool:
    """Whether a redis-server is installed (Debian: redis-server)."""
    return shutil.which("redis-server") is not None


@contextmanager
def site(mode: str, home: Path) -> Iterator[Redis | None]:
    """The site with this mutex, until the end of the block; gives the Redis of the mode `redis`."""
    from django.core.management import call_command

    from instainstru import settings
    from instainstru.run.site import Site

    redis = Redis(home) if mode == "redis" else None
    with ExitStack() as stack:
        stack.enter_context(_environment({**UNLIMITED, "BOOKING_MUTEX": mode, "REDIS_URL": redis.url if redis else ""}))
        if redis:
            redis.start()
            stack.callback(redis.kill)
        call_command("collectstatic", interactive=False, verbosity=0)
        processes = Site(settings, os.environ["DATABASE_URL"])
        stack.enter_context(
            running([processes.cluster_part(), processes.web_part()], until=processes.ready_request()[0])
        )
        yield redis


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _free_port() -> int:
    for port in range(PORTS.start + os.getpid() % 1000, PORTS.stop):
        with socket.socket() as door:
            try:
                door.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port.")
