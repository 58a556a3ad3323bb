"""One process in which time, ids and the turns of threads follow the story, so that a seed tells the same story again.

The site's own code runs unchanged. Around it: the machine's clock is the story's, ids count up, pauses take no time, and
at every boundary (a commit, a request to Stripe) whoever acts may die, as a killed process would, or let another go on.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

import common.ids
from bookings import jobs
from common import clock
from payments import gateway, settlement

START = datetime(2030, 2, 25, tzinfo=UTC)  # a clock change in the United States comes two weeks later
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LONGEST_TURN = 60  # seconds until a thread that does not come back counts as hanging


class Crash(BaseException):
    """The process that acts is killed here. Nothing it would still do happens: no rollback is sent, no lease given back."""


class Side(threading.local):
    """How the acting thread fares."""

    passed: int = 0
    dies_at: int = 0
    dead: str = ""
    turns: "Turns | None" = None
    number: int = 0


_side = Side()


def boundary(where: str, *, may_wait: bool = True) -> None:
    """A moment at which whoever acts can be killed, or wait for others. Raises Crash."""
    if _side.dead:
        raise Crash(_side.dead)
    _side.passed += 1
    if _side.passed == _side.dies_at:
        _side.dead = f"boundary {_side.passed}, {where}"
        raise Crash(_side.dead)
    if may_wait and _side.turns is not None and not connection.in_atomic_block:
        _side.turns.pass_on(_side.number)


@contextmanager
def mortal(dies_at: int) -> Iterator[None]:
    """Whoever acts inside is killed at that boundary, counted from 1; 0 for never."""
    _side.passed, _side.dies_at, _side.dead = 0, dies_at, ""
    try:
        yield
    finally:
        if _side.dead:
            _side.dead = ""
            connection.close()
        _side.dies_at = 0


class Turns:
    """Threads that run one at a time and change at boundaries, in an order that dice decide."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._back = threading.Semaphore(0)
        self._go: list[threading.Semaphore] = []

    def run(self, works: list[Callable[[], Any]]) -> list[Any]:
        """Do all of it; what each returned. Raises RuntimeError when one hangs."""
        self._go = [threading.Semaphore(0) for _ in works]
        answers: list[Any] = [None] * len(works)
        ended = [False] * len(works)

        def one(number: int) -> None:
            self._go[number].acquire()
            _side.turns, _side.number = self, number
            try:
                answers[number] = works[number]()
            finally:
                connection.close()
                ended[number] = True
                self._back.release()

        threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(len(works))]
        for thread in threads:
            thread.start()
        while not all(ended):
            self._go[self._dice.choice([n for n, over in enumerate(ended) if not over])].release()
            if not self._back.acquire(timeout=LONGEST_TURN):
                raise RuntimeError("Somebody waits for somebody who waits: a deadlock.")
        for thread in threads:
            thread.join()
        return answers

    def pass_on(self, number: int) -> None:
        """Let somebody go on; comes back when it is this thread's turn again."""
        self._back.release()
        self._go[number].acquire()


@dataclass
class Ground:
    """The story's time, and what jobs complained about."""

    now: datetime = START
    complaints: list[str] = field(default_factory=list)
    _ids: int = 0

    def next_id(self) -> str:
        """26 characters like a ULID's, growing."""
        self._ids += 1
        number = (int(self.now.timestamp() * 1000) << 80) | self._ids
        return "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(26)))

    # What jobs log
    def warning(self, event: str, **facts: Any) -> None:
        """Work put off to later is no complaint."""

    def exception(self, event: str, **facts: Any) -> None:
        """Work on one thing failed in a way nobody expected."""
        self.complaints.append(f"{facts.get('job')} failed on {facts.get('id')}:\n{what_broke()}")


@contextmanager
def standing_on(ground: Ground) -> Iterator[None]:
    """Make this process follow the story until the end of the block."""
    real_call, real_commit, real_cursor = gateway._call, BaseDatabaseWrapper.commit, BaseDatabaseWrapper.cursor
    unhurried = SimpleNamespace(sleep=lambda seconds: None)

    def call(*args: Any, **kwargs: Any) -> Any:
        boundary("before a request to Stripe")
        answer = real_call(*args, **kwargs)
        boundary("after Stripe answered")
        return answer

    def commit(self: BaseDatabaseWrapper) -> None:
        try:
            boundary("before a commit", may_wait=False)
        except Crash:
            self.rollback()
            raise
        real_commit(self)
        boundary("after a commit")

    def cursor(self: BaseDatabaseWrapper) -> Any:
        if _side.dead:
            raise Crash(_side.dead)
        return real_cursor(self)

    with ExitStack() as stack:
        for target, name, value in (
            (clock, "system_now", lambda: ground.now),
            (common.ids, "ULID", ground.next_id),
            (settlement, "time", unhurried),
            (gateway, "time", unhurried),
            (gateway, "_call", call),
            (BaseDatabaseWrapper, "commit", commit),
            (BaseDatabaseWrapper, "cursor", cursor),
            (jobs, "THREADS", 1_000_000),  # one after the other: the same order every time
            (jobs, "log", ground),
            (settings, "RATE_LIMITS_PER_MINUTE", dict.fromkeys(("read", "write", "money", "login"), 1_000_000)),
            (settings, "STRIPE_REQUESTS_PER_SECOND", 10_000),
            (settings, "PASSWORD_HASHERS", ["django.contrib.auth.hashers.MD5PasswordHasher"]),
            (settings, "EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend"),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        yield


def what_broke() -> str:
    """The exception at hand, with the calls through our own code that led to it."""
    error = sys.exception()
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__ if error else None) if ".venv" not in frame.filename
    ]
    calls = [f"    {frame.filename}:{frame.lineno} {frame.name}: {frame.line}" for frame in ours[-6:]]
    return "\n".join([*calls, f"{type(error).__name__}: {error}"])


def expire_leases() -> None:
    """The 90 seconds of whoever died are over."""
    with connection.cursor() as rows:
        rows.execute("UPDATE common_lease SET expires_at = clock_timestamp()")


LEASE = timedelta(seconds=91)
