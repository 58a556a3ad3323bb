"""Where a process can be stopped: at every commit and at every Stripe request, found by hooks, not listed by hand.

A boundary is a moment before or after a commit, before a Stripe request leaves, or after Stripe answered and before the
answer is read. A statement outside a transaction commits by itself and counts as a commit. The pace of calls to Stripe
(`common_pace`) and request counters are no boundaries: they hold nothing that an operation reads back.

`Boundary.distinct` marks those at which database or Stripe differ from the boundary before: after a commit that wrote
something, after a POST, and the very first. The rest (before a commit: the transaction is rolled back, as if killed
after the one before; before a request; around a read) leave the same world behind; harnesses may skip them to save time.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import stripe
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

_WRITES = re.compile(r'^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)
_NO_BOUNDARY = {"common_pace", "common_counter", "common_cache"}


@dataclass(frozen=True, slots=True)
class Boundary:
    """One moment: `number` counts from 0, `what` names the commit's tables or the request."""

    number: int
    moment: str
    what: str
    distinct: bool

    def __str__(self) -> str:
        return f"{self.moment} {self.what}"


Act = Callable[[Boundary], None]


@dataclass
class Watch:
    """Boundaries passed so far; `act` is called at each, in the moment itself."""

    act: Act = lambda boundary: None
    seen: list[Boundary] = field(default_factory=list)
    _written: dict[str, None] = field(default_factory=dict)

    def passes(self, moment: str, what: str, *, distinct: bool = False) -> None:
        boundary = Boundary(len(self.seen), moment, what, distinct or not self.seen)
        self.seen.append(boundary)
        self.act(boundary)

    def statement(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Django's execute wrapper."""
        found = _WRITES.match(sql) if isinstance(sql, str) else None
        table = found.group(2) if found else ""
        if not found or table in _NO_BOUNDARY:
            return execute(sql, params, many, context)
        if context["connection"].in_atomic_block:
            self._written[table] = None
            return execute(sql, params, many, context)
        what = f"commit of {table}"
        self.passes("before", what)
        result = execute(sql, params, many, context)
        self.passes("after", what, distinct=True)
        return result

    def commit(self, do: Callable[[], None]) -> None:
        tables, self._written = list(self._written), {}
        if not tables:
            do()
            return
        what = "commit of " + ", ".join(tables)
        self.passes("before", what)
        do()
        self.passes("after", what, distinct=True)

    def rollback(self) -> None:
        self._written = {}

    def request(self, do: Callable[[], Any], method: str, url: str) -> Any:
        what = f"{method.upper()} {urlsplit(url).path}"
        self.passes("before", what)
        answer = do()
        self.passes("after", what, distinct=method.lower() != "get")
        return answer


_watch: Watch | None = None
_real_commit, _real_rollback = BaseDatabaseWrapper._commit, BaseDatabaseWrapper._rollback  # type: ignore[attr-defined]
_real_request = stripe.RequestsClient.request


def _commit(self: BaseDatabaseWrapper) -> Any:
    if _watch is None:
        return _real_commit(self)
    return _watch.commit(lambda: _real_commit(self))


def _rollback(self: BaseDatabaseWrapper) -> Any:
    if _watch is not None:
        _watch.rollback()
    return _real_rollback(self)


def _request(self: stripe.RequestsClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
    if _watch is None:
        return _real_request(self, method, url, *args, **kwargs)
    return _watch.request(lambda: _real_request(self, method, url, *args, **kwargs), method, url)


@contextmanager
def watching(act: Act | None = None) -> Iterator[Watch]:
    """Count this process's boundaries, and act at each, until the end of the block. One watch at a time."""
    global _watch
    BaseDatabaseWrapper._commit = _commit  # type: ignore[attr-defined]
    BaseDatabaseWrapper._rollback = _rollback  # type: ignore[attr-defined]
    stripe.RequestsClient.request = _request  # type: ignore[method-assign]
    _watch = Watch(act) if act else Watch()
    try:
        with connection.execute_wrapper(_watch.statement):
            yield _watch
    finally:
        _watch = None


def at(number: int, act: Act) -> Act:
    """An act for one boundary only."""
    return lambda boundary: act(boundary) if boundary.number == number else None


def die(boundary: Boundary) -> None:
    """SIGKILL: nothing is flushed, closed, rolled back or said by this process any more."""
    os.kill(os.getpid(), signal.SIGKILL)


def pause(said: int, heard: int) -> Act:
    """Say on one pipe which boundary was reached, and wait on the other until somebody says go (or closes it)."""

    def act(boundary: Boundary) -> None:
        os.write(said, f"{boundary.number} {boundary}\n".encode())
        os.read(heard, 1)

    return act
