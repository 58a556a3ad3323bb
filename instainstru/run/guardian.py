"""Stops everything when the supervisor dies without having done so, even by SIGKILL.

Its standard input is a pipe that only the supervisor holds open: when it ends, the supervisor is gone. It also holds
the lock of the home folder, so that a new run waits until the old one is cleared.
"""

import signal
import subprocess
import sys
from pathlib import Path

from .roster import Roster


def post(home: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start the guardian. Close its `stdin` and wait for it after an orderly stop."""
    command = [sys.executable, "-m", "instainstru.run.guardian", str(home)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[lock], start_new_session=True)


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    sys.stdin.buffer.read()
    Roster(Path(sys.argv[1])).stop_all()


if __name__ == "__main__":
    main()
