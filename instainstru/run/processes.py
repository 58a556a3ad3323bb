"""Processes by identity (pid and start time, so that a reused pid is never mistaken), and how to end them."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """The leader of a process group, and how it wants to be stopped."""

    name: str
    pid: int
    started: int
    stop_signal: int
    patience: float

    @classmethod
    def of(cls, pid: int, *, name: str, stop_signal: int, patience: float) -> "ProcessId":
        return cls(name=name, pid=pid, started=_stat(pid)[1], stop_signal=stop_signal, patience=patience)

    def is_alive(self) -> bool:
        """Whether this very process runs; a finished one that nobody has collected does not count."""
        state, started = _stat(self.pid)
        return started == self.started and state not in ("Z", "X")


def stop(process: ProcessId) -> None:
    """Ask the leader to finish, wait as long as its patience, then kill what is left of its group."""
    if process.is_alive():
        os.kill(process.pid, process.stop_signal)
        _wait_until_gone(process, process.patience)
    elif _stat(process.pid)[1] not in (process.started, 0):
        return  # the pid belongs to somebody else now, and so does the group
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    _wait_until_gone(process, 10)


def _wait_until_gone(process: ProcessId, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)


def _stat(pid: int) -> tuple[str, int]:
    """State letter and start time in clock ticks; ("X", 0) when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "X", 0
    return fields[0], int(fields[19])
