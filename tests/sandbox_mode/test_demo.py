"""The demo, from beginning to end: every play ends as the policy says, and the books are equal."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from rich.console import Console

from common import clock
from payments import ledger
from payments.vocabulary import Outcome
from sandbox_mode.demo.plays import OF_PACKAGES, PLAYS, Play
from sandbox_mode.demo.show import perform

pytestmark = pytest.mark.usefixtures("house")


def test_the_story_ends_with_a_paid_instructor_and_equal_books() -> None:
    """Told by the command, as a person sees it."""
    said = StringIO()
    call_command("demo", stdout=said)
    text = said.getvalue()
    assert "COMPLETED · settled" in text
    assert "$105.60" in text
    assert text.strip().endswith("equal to the cent.")


def test_every_outcome_of_a_lesson_paid_by_itself_is_played() -> None:
    assert {play.outcome for play in PLAYS} == set(Outcome) - OF_PACKAGES


ONE_PER_OUTCOME = list({play.outcome: play for play in PLAYS}.values())


@pytest.mark.parametrize("play", ONE_PER_OUTCOME, ids=lambda play: play.outcome)
def test_a_play_ends_as_the_policy_says(play: Play) -> None:
    call_command("connect_webhooks", stdout=StringIO())  # nobody listens: events are fetched instead
    console = Console(file=StringIO(), width=120)
    assert perform([play], console), console.file.getvalue()[-6000:]  # type: ignore[attr-defined]


def test_a_difference_and_a_wrong_ending_are_seen() -> None:
    console = Console(file=StringIO(), width=120)
    wrong = [Play(play.title, Outcome.ADMIN_REFUND, play.act) for play in PLAYS[:1]]
    assert not perform(wrong, console)
    ledger.post(
        key="off by one",
        kind="mistake",
        at=clock.now(),
        lines=[ledger.Line(ledger.PLATFORM, 1, "ch_1"), ledger.Line(ledger.EQUITY, -1)],
    )
    assert not perform(PLAYS[:1], console)
    assert "differ" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_demo_runs_in_sandbox_mode_only() -> None:
    with override_settings(SANDBOX_MODE=False), pytest.raises(CommandError, match="sandbox mode"):
        call_command("demo", stdout=StringIO())
