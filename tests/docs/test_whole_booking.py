"""docs/api/whole-booking.md: its commands run as they are written, and each is answered as the page says."""

import os
import re
import subprocess

import pytest

from .tables import DOCS

PAGE = (DOCS / "api" / "whole-booking.md").read_text(encoding="utf-8")
SCRIPT = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.slow
def test_a_whole_booking_by_the_page(running_site: str) -> None:
    told = [int(status) for status in re.findall(r"  # (\d{3})$", SCRIPT, re.MULTILINE)]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SCRIPT],
        env={"PATH": os.environ["PATH"], "site": running_site, "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    answered = [int(line[:3]) for line in done.stderr.splitlines() if re.match(r"\d{3} ", line)]

    assert done.returncode == 0, done.stderr + done.stdout
    assert [status for status in answered if status != 429] == told  # a retried 429 is answered again by the same ask
    said = done.stdout.splitlines()
    for word in ("scheduled", "student_cancel_gt24_no_charge", "authorized", "lesson_completed_full_payout"):
        assert any(line.strip().endswith(word) for line in said), f"{word}: {done.stdout}"
