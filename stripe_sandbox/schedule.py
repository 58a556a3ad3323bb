"""What happens by itself when its time comes, in time order."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

log = logging.getLogger("stripe_sandbox")

Task = Callable[["Sandbox", list[str]], None]

TASKS: dict[str, Task] = {}
"""Task name to the function that is given the ids that are due at the same second."""


def task(name: str) -> Callable[[Task], Task]:
    """Register a function for a scheduled task."""

    def register(function: Task) -> Task:
        TASKS[name] = function
        return function

    return register


class Schedule:
    """Tasks waiting in the state file."""

    def __init__(self, box: "Sandbox") -> None:
        self._box = box
        self._next: int | None = None
        self.reload()

    def reload(self) -> None:
        """Look up anew when the next task is due."""
        row = self._box.store.db.execute("SELECT MIN(at) FROM schedule").fetchone()
        self._next = row[0]

    def add(self, at: int, task: str, ref: str) -> None:
        """Do a task at a time of the sandbox clock."""
        self._box.store.db.execute("INSERT INTO schedule (at, task, ref) VALUES (?, ?, ?)", (at, task, ref))
        if self._next is None or at < self._next:
            self._next = at

    def run_until(self, now: float) -> int:
        """Do everything due up to now, each at its own time; how many seconds had something due."""
        done = 0
        while self._next is not None and self._next <= now:
            try:
                with self._box.transaction(at=self._next):
                    self._run_second(self._next)
            except Exception:
                log.exception("what was due at %s failed and is dropped", self._next)
                self._box.store.db.execute("DELETE FROM schedule WHERE at <= ?", (self._next,))
            self.reload()
            done += 1
        return done

    def _run_second(self, at: int) -> None:
        db = self._box.store.db
        rows = db.execute("SELECT seq, task, ref FROM schedule WHERE at <= ? ORDER BY at, seq", (at,)).fetchall()
        db.executemany("DELETE FROM schedule WHERE seq = ?", [(row[0],) for row in rows])
        groups: dict[str, list[str]] = {}
        for _, name, ref in rows:
            groups.setdefault(name, []).append(ref)
        for name, refs in groups.items():
            TASKS[name](self._box, refs)
