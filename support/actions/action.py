"""What an action is: its form, what it is shown to do, and how it is done; beside that, how it finds out that it was done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms

from common.actors import Actor
from support.models import DeskAction

MONEY, DESK = "accounts.manage_financials", "support.work_desk"
Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of what will change: whose, what, before and after, as a person reads it."""

    party: str
    what: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Shown:
    """What an action will do. `money_cents` is how much it moves at most: above a limit a second person must agree."""

    effects: list[Effect]
    money_cents: int = 0
    steps: list[str] = field(default_factory=list)
    booking_id: str = ""
    person_id: str = ""

    def as_rows(self) -> list[list[str]]:
        return [[e.party, e.what, e.before, e.after] for e in self.effects]


class ActionForm(forms.Form):
    """Every action needs a reason; what else it needs stands before it."""

    reason = forms.CharField(
        max_length=300, widget=forms.Textarea(attrs={"rows": 3}), help_text="Everybody who opens the file reads it."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields([name for name in self.fields if name != "reason"])

    @property
    def inputs(self) -> Inputs:
        """What was chosen, as plain values, without the reason."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


@dataclass(frozen=True, slots=True)
class Action:
    """`show(subject, inputs, actor, now)` raises the refusal that `do` would; `do(asked, actor, now)` says what came of it.

    `was_done` answers what an earlier try left behind, "" when it left nothing: `do` is then not called again.
    """

    name: str
    title: str
    about: str
    permission: str
    form: Callable[[str], type[ActionForm]]
    show: Callable[[str, Inputs, Actor, datetime], Shown]
    do: Callable[[DeskAction, Actor, datetime], str]
    was_done: Callable[[DeskAction], str]


ACTIONS: dict[str, Action] = {}


def action(
    name: str,
    title: str,
    *,
    about: str,
    permission: str = MONEY,
    form: type[ActionForm] | Callable[[str], type[ActionForm]] = ActionForm,
    show: Callable[[str, Inputs, Actor, datetime], Shown],
    do: Callable[[DeskAction, Actor, datetime], str],
    was_done: Callable[[DeskAction], str],
) -> None:
    """Register an action. `about` names what its subject is: booking, hold, person, lot, plan, difference, mail, event."""
    chosen: Callable[[str], type[ActionForm]] = (lambda _: form) if isinstance(form, type) else form
    ACTIONS[name] = Action(name, title, about, permission, chosen, show, do, was_done)


def mark(asked: DeskAction) -> str:
    """How what an action did is found again: it stands in the reason that plan and event keep."""
    return f"[desk {asked.pk}]"


def reason_of(asked: DeskAction) -> str:
    """The reason as the timeline shows it: why, who agreed, and the mark."""
    agreed = f" (agreed by {asked.decided_by.email})" if asked.needs_second and asked.decided_by else ""
    return f"{asked.reason}{agreed} {mark(asked)}"
