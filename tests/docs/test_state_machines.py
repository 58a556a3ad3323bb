"""docs/state-machines.md is drawn from the code, and says so when it is old."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bookings.management.commands import draw_state_machines
from bookings.management.commands.draw_state_machines import DOCUMENT, REDRAW, redrawn
from bookings.state_machine import BookingStatus
from payments.vocabulary import PaymentStatus


def test_the_drawing_is_what_the_code_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert redrawn(text) == text, f"The state machines have changed. Run: {REDRAW}"
    for status in (*BookingStatus.values, *PaymentStatus):
        assert f"`{status}`" in text


def test_an_old_drawing_is_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    copy = tmp_path / "state-machines.md"
    copy.write_text(text.replace("CONFIRMED --> CANCELLED: cancel", "CONFIRMED --> PENDING: cancel"), encoding="utf-8")
    monkeypatch.setattr(draw_state_machines, "DOCUMENT", copy)
    with pytest.raises(CommandError, match="draw_state_machines"):
        call_command("draw_state_machines", "--check")
    call_command("draw_state_machines", verbosity=0)
    assert copy.read_text(encoding="utf-8") == text
    with pytest.raises(CommandError, match="needs one place"):
        redrawn(text.replace("<!-- drawn: payment -->", ""))
