"""Real processes without the cost of starting an interpreter: forks of a warm parent, killed for real."""

import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from payments import gateway

LONGEST = 60  # seconds; a child that takes longer hangs
_inherited: list[Any] = []  # never closed by the child: they belong to the parent


class ChildHangs(RuntimeError):
    """A child did not come to an end."""


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: killed by a signal, or with what its work returned or raised."""

    killed: bool
    result: Any = None
    error: BaseException | str | None = None


class Child:
    """A forked process that does one piece of work. `wait` for its end."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._answer, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _be_a_child(work, write)
        os.close(write)
        self._end: End | None = None

    def running(self) -> bool:
        """Whether it still works; does not wait."""
        return self._end is None and not select.select([self._answer], [], [], 0)[0]

    def wait(self, seconds: float = LONGEST) -> End:
        """Its end. Raises ChildHangs, and kills it, when that does not come."""
        if self._end is None:
            self._end = self._collect(seconds)
        return self._end

    def kill(self) -> End:
        """SIGKILL it wherever it is."""
        if self._end is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def _collect(self, seconds: float) -> End:
        answer, deadline = b"", time.monotonic() + seconds
        while True:
            if not select.select([self._answer], [], [], max(0, deadline - time.monotonic()))[0]:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                os.close(self._answer)
                raise ChildHangs(f"The child still runs after {seconds:.0f} s.")
            part = os.read(self._answer, 65536)
            if not part:
                break
            answer += part
        os.close(self._answer)
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) or not answer:
            return End(killed=True)
        result, error = pickle.loads(answer)  # from our own child
        return End(False, result, error)


def _be_a_child(work: Callable[[], Any], write: int) -> None:
    """What the child does instead of going on; never returns."""
    result = error = None
    try:
        forget_connections()
        result = work()
    except BaseException as caught:
        error = caught
    try:
        said = pickle.dumps((result, error))
    except Exception:
        said = pickle.dumps((None, f"{type(error).__name__}: {error}"))
    os.write(write, said)
    os._exit(0)


def forget_connections() -> None:
    """The parent's connections are not ours: leave them open, make our own."""
    for alias in connections:
        _inherited.append(connections[alias])
        del connections[alias]
    gateway._client.cache_clear()


def in_child(work: Callable[[], Any], *, seconds: float = LONGEST) -> End:
    """Fork, do the work there, wait for the end."""
    return Child(work).wait(seconds)
