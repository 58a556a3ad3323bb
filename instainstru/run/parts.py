"""One process of the running marketplace: started into its own process group, its output in its own log file."""

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .postgres import Identity
from .processes import ProcessId, stop

LARGEST_LOG_BYTES = 20_000_000


@dataclass(kw_only=True)
class Part:
    """A process that must live as long as the marketplace runs.

    `stop_signal` asks it to finish; after `patience` seconds its whole process group is killed.
    An errand ends by itself. What it prints goes to our own standard output; only its errors go to the log.
    """

    name: str
    argv: list[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    identity: Identity = field(default_factory=Identity)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 15
    errand: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    def start(self) -> ProcessId:
        """Start the process and tell who it is."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=None if self.errand else log,
                stderr=log,
                env=self.env,
                **self.identity,
                cwd=self.cwd,
                start_new_session=True,
            )
        return ProcessId.of(self._process.pid, name=self.name, stop_signal=self.stop_signal, patience=self.patience)

    def exit_code(self) -> int | None:
        """None while it runs, otherwise how it ended (negative: by which signal)."""
        assert self._process
        return self._process.poll()

    def stop(self) -> None:
        """Ask the process to finish, wait, and leave nothing of its group behind."""
        if self._process:
            stop(ProcessId.of(self._process.pid, name=self.name, stop_signal=self.stop_signal, patience=self.patience))
            self._process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of what it logged since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            written = log.read().decode(errors="replace").rstrip()
        return "\n".join(written.splitlines()[-lines:])


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
