"""Starts the parts, waits for each to answer, and notices when somebody says stop or a part dies."""

import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from types import FrameType

import psycopg

from .parts import Part, how_it_ended
from .processes import ProcessId
from .progress import step
from .refusal import Refusal
from .roster import Roster
from .site import Site

SECONDS_TO_COME_UP = 120


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # our own parts are never behind a proxy


class Stopped(Exception):
    """Ctrl-C or TERM."""


class PartDied(Exception):
    """A part ended by itself, or never came up; the message shows its last words."""


class Supervisor:
    """The parts that run, in the order they were started."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._parts: list[Part] = []
        self._stop_wanted = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self._want_stop)

    def open_database(self, site: Site, words: list[str]) -> None:
        """Start the embedded PostgreSQL and create its database, or wait for the server at DATABASE_URL."""
        if site.database_url:
            words.append("at DATABASE_URL")
            self._wait_for_remote_database(site.database_url, seconds=site.settings.DATABASE_WAIT_SECONDS)
            return
        words.append(f"embedded PostgreSQL in {site.postgres.data}")
        site.postgres.prepare()
        self._start(site.database_part(), until=site.postgres.answers)
        site.postgres.ensure_database("instainstru")

    def open_sandbox(self, site: Site) -> None:
        address = f"http://127.0.0.1:{site.settings.STRIPE_SANDBOX_PORT}/_sandbox/clock"
        self._start(site.sandbox_part(), until=lambda: _answer(address)[0] == 200)

    def carry_out(self, part: Part) -> None:
        """Run a part that ends by itself. Raises PartDied when it fails."""
        self._start(part)
        while (code := part.exit_code()) is None:
            self._check()
        self._parts.remove(part)
        if code != 0:
            raise PartDied(_obituary(part, how_it_ended(code)))

    def open_doors(self, site: Site) -> None:
        """Start the job cluster and the web server, and wait until /healthz/ready says so."""
        self._start(site.cluster_part())
        address, host = site.ready_request()

        def is_ready() -> bool:
            return _answer(address, host)[0] == 200

        self._start(site.web_part(), until=is_ready, why=lambda: _answer(address, host)[1])

    def watch(self) -> None:
        """Return never; raise Stopped or PartDied."""
        while True:
            self._check()

    def stop_all(self) -> None:
        """Stop every part, the last started first."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        if self._parts:
            with step("stopped") as words:
                for part in reversed(self._parts):
                    part.stop()
                    words.append(part.name)
        self._roster.stop_all()

    def _start(self, part: Part, until: Callable[[], bool] | None = None, why: Callable[[], str] = str) -> None:
        process: ProcessId = part.start()
        self._parts.append(part)
        self._roster.add(process)
        deadline = time.monotonic() + SECONDS_TO_COME_UP
        while until and not until():
            if time.monotonic() > deadline:
                raise PartDied(_obituary(part, f"does not answer after {SECONDS_TO_COME_UP} s. {why()}".strip()))
            self._check()

    def _check(self) -> None:
        """Wait a moment. Raises Stopped when somebody wants that, PartDied when a part is gone."""
        self._stop_wanted.wait(0.1)
        if self._stop_wanted.is_set():
            raise Stopped
        for part in self._parts:
            code = part.exit_code()
            if code is not None and not (part.errand and code == 0):
                raise PartDied(_obituary(part, how_it_ended(code)))

    def _wait_for_remote_database(self, url: str, *, seconds: int) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                reason = str(error).strip().splitlines()[-1]
                hopeless = "does not exist" in reason or "authentication failed" in reason
                if hopeless or time.monotonic() > deadline:
                    raise Refusal(f"the database at DATABASE_URL does not answer: {reason}") from None
            self._check()

    def _want_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop_wanted.set()


def _answer(address: str, host: str | None = None) -> tuple[int, str]:
    """Status and, when it is not well, what it says is missing. (0, reason) when nobody answers."""
    request = urllib.request.Request(address, headers={"Host": host} if host else {})  # noqa: S310 - our own address
    try:
        with _OPENER.open(request, timeout=10) as response:
            return response.status, ""
    except urllib.error.HTTPError as error:
        try:
            missing = json.loads(error.read()).get("missing", [])
        except ValueError:
            missing = []
        return error.code, f"Missing: {', '.join(missing)}." if missing else f"It answers {error.code}."
    except OSError as error:
        return 0, str(error)


def _obituary(part: Part, what: str) -> str:
    words = part.last_words().replace("\n", "\n    ")
    return f"{part.name} {what}\nThe end of {part.log}:\n    {words}"
