"""`make run` as a person uses it: started in a folder of its own, read from the terminal, stopped by signals."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.environment import BASE_DIR, free_ports

OWN_VARIABLES = (
    "DATABASE_URL",
    "INSTAINSTRU_HOME",
    "PORT",
    "STRIPE_SANDBOX_PORT",
    "STRIPE_MODE",
    "TEST_DATABASE_SERVER",
)
SECONDS_TO_START = 90


def clean_environment(**settings: str) -> dict[str, str]:
    """Our environment without any setting of the tests' own, and with the given ones."""
    return {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES} | settings


class Copy:
    """One copy of the marketplace: its home folder and ports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_ports()
        self.output: list[str] = []

    def environment(self, **settings: str) -> dict[str, str]:
        return clean_environment(**{"INSTAINSTRU_HOME": str(self.home), "PORT": str(self.port)} | settings)

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a Python command in another terminal."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=BASE_DIR,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def refused(self, *words: str, **settings: str) -> str:
        """The one line with which it refuses to start, or to do what `words` say."""
        done = self.command("-m", "instainstru.run", *words, **settings)
        assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        return lines[0]

    @contextmanager
    def running(self, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """The supervisor, from the moment it says that everything runs. Stopped at the end if it still lives."""
        process = subprocess.Popen(
            [sys.executable, "-m", "instainstru.run"],
            cwd=BASE_DIR,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=self._read, args=(process, lines), daemon=True)
        self.output = []
        reader.start()
        try:
            self._wait_until_it_runs(process, lines)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            reader.join(10)

    def said(self) -> str:
        """What it printed so far."""
        return "".join(self.output)

    def processes(self) -> list[str]:
        """The command lines of everything that works for this copy, its PostgreSQL included."""
        found = []
        mark = f"INSTAINSTRU_HOME={self.home}\0".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or entry.name == str(os.getpid()):
                continue
            try:
                ours = mark in (entry / "environ").read_bytes() or self.home in Path(os.readlink(entry / "cwd")).parents
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if ours and words:
                found.append(words)
        return found

    def wait_until_gone(self, seconds: float = 30) -> None:
        """Fails when a process of this copy is left after that time."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert left == []

    def _read(self, process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            self.output.append(line)
            lines.put(line)
        lines.put("")

    def _wait_until_it_runs(self, process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            line = lines.get(timeout=SECONDS_TO_START)
            if line.startswith("Ctrl-C stops everything"):
                return
            if not line:
                break
        raise AssertionError(f"It did not start ({process.poll()}):\n{self.said()}")
