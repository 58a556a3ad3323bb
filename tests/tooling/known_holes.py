"""`python -m tests.tooling.known_holes`: pip-audit over what runs in production. Fails on findings.

Where the database of holes cannot be reached it says so and goes on: nobody is kept from working by a network.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.environment import BASE_DIR

REQUIREMENTS = BASE_DIR / "requirements.txt"
SECONDS = 90


def audit(requirements: Path) -> subprocess.CompletedProcess[str]:
    """Run pip-audit on pinned requirements without installing anything."""
    words = [
        "-m",
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "-r",
        str(requirements),
        "-f",
        "json",
        "--progress-spinner=off",
    ]
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=SECONDS)


def verdict(run: Callable[[Path], subprocess.CompletedProcess[str]] = audit) -> tuple[int, str]:
    """The exit status and what to say: 1 with every finding, 0 when there are none or nobody could be asked."""
    try:
        done = run(REQUIREMENTS)
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return 0, "Known holes: the database of pip-audit cannot be reached; nothing was looked up."
    holes = [f"{row['name']} {row.get('version')}: {hole['id']}" for row in found for hole in row.get("vulns", ())]
    missing = sum("skip_reason" in row for row in found)
    if missing == len(found):
        return 0, "Known holes: the database of pip-audit cannot be reached; nothing was looked up."
    if holes:
        return 1, "Known holes:\n" + "\n".join(sorted(holes))
    return 0, f"Known holes: none in {len(found) - missing} libraries; {missing} could not be looked up."


if __name__ == "__main__":
    status, words = verdict()
    print(words)
    sys.exit(status)
