"""`manage.py draw_state_machines`: draw the life of a booking and of a payment in docs/state-machines.md, from the code."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_fsm import RETURN_VALUE, FSMField

from bookings.models import Booking
from common.fsm import GuardedModel
from payments.models import Payment

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "state-machines.md"
MACHINES: dict[str, type[GuardedModel]] = {"booking": Booking, "payment": Payment}
REDRAW = "python manage.py draw_state_machines"


class Command(BaseCommand):
    help = "Draw both state machines in docs/state-machines.md from the code. Repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the drawing is old")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        before = DOCUMENT.read_text(encoding="utf-8")
        after = redrawn(before)
        if check and after != before:
            raise CommandError(f"{DOCUMENT.name} is not what the code says. Run: {REDRAW}")
        if after != before:
            DOCUMENT.write_text(after, encoding="utf-8")
        self.stdout.write("Drawn." if after != before else "Nothing has changed.")


def redrawn(text: str) -> str:
    """The document with each machine drawn anew between its marks. Raises CommandError when a mark is missing."""
    for name, model in MACHINES.items():
        marked = re.compile(rf"(<!-- drawn: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise CommandError(f"{DOCUMENT.name} needs one place to draw in: <!-- drawn: {name} --> … <!-- end -->")
        text = marked.sub(lambda mark, model=model: f"{mark[1]}{drawing(model)}{mark[2]}", text)  # type: ignore[misc]
    return text


def drawing(model: type[GuardedModel]) -> str:
    """A machine as a Mermaid diagram and a table: from, transition, to, and what it means."""
    field = next(field for field in model._meta.get_fields() if isinstance(field, FSMField))
    order = [value for value, _ in field.choices]
    moves = sorted(_moves(model, field), key=lambda move: (order.index(move[0]), order.index(move[2]), move[1]))
    arrows = "".join(f"    {source} --> {target}: {name}\n" for source, name, target, _ in moves)
    lines = "".join(f"| `{source}` | `{name}` | `{target}` | {means} |\n" for source, name, target, means in moves)
    return (
        f"```mermaid\nstateDiagram-v2\n    [*] --> {field.default}\n{arrows}```\n\n"
        f"| From | Transition | To | Means |\n|---|---|---|---|\n{lines}"
    )


def _moves(model: type[GuardedModel], field: Any) -> set[tuple[str, str, str, str]]:
    """Every way from one status to another: source, name, target, meaning."""
    moves = set()
    for transition in field.get_all_transitions(model):
        targets = transition.target
        for target in targets.allowed_states if isinstance(targets, RETURN_VALUE) else [targets]:
            means = (transition.method.__doc__ or "").strip().splitlines()[0]
            moves.add((str(transition.source), transition.name, str(target), means))
    return moves
