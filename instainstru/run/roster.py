"""What runs for one INSTAINSTRU_HOME, kept on disk: its supervisor holds `run.lock`, `run.pids` lists its processes."""

import fcntl
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from .processes import ProcessId, stop
from .refusal import Refusal

SECONDS_FOR_A_DYING_RUN = 60


class Roster:
    """The processes of one home folder, in the order they were started."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._file = home / "run.pids"

    def add(self, process: ProcessId) -> None:
        """Remember a process that was just started."""
        self._write([*self._read(), process])

    def stop_all(self) -> list[str]:
        """Stop everything on the list, the last started first, and forget it. Returns the names of what still ran."""
        stopped = []
        for process in reversed(self._read()):
            if process.is_alive():
                stopped.append(process.name)
            stop(process)
        self._file.unlink(missing_ok=True)
        (self.home / "run.env").unlink(missing_ok=True)
        return stopped

    def _read(self) -> list[ProcessId]:
        try:
            return [ProcessId(**fields) for fields in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return []

    def _write(self, processes: list[ProcessId]) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([asdict(process) for process in processes]))
        draft.replace(self._file)


def take_home(home: Path) -> int:
    """Become the only supervisor of this home folder. Returns the descriptor that holds the lock until it is closed.

    Waits for a killed run whose guardian is still stopping things. Raises Refusal when a run is alive.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refusal(f"INSTAINSTRU_HOME={home} cannot be used: {error.strerror}.") from None
    deadline = time.monotonic() + SECONDS_FOR_A_DYING_RUN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode().strip()
            if holder and Path(f"/proc/{holder}").exists():
                raise Refusal(
                    f"it already runs here (pid {holder}, {home}). Stop it first, or run a second one beside it with "
                    "another INSTAINSTRU_HOME and PORT."
                ) from None
            if time.monotonic() > deadline:
                raise Refusal(f"a previous run of {home} does not stop; see {home / 'run.pids'}.") from None
            time.sleep(0.2)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return lock
