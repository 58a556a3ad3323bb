"""An action in three steps: its form, what it will do exactly, and then, by POST, once. Looking changes nothing."""

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from common import clock
from common.ids import ULID_LENGTH, new_id
from common.problems import Problem
from support import carrying_out
from support.actions import ACTIONS, Action, Shown
from support.actions.action import ActionForm
from support.models import DeskAction
from support.subjects import subject_of

from .base import drawn, me, page, told


@page()
def act(request: HttpRequest, name: str, subject_id: str) -> HttpResponse:
    """GET: the form. POST `step=show`: what it will do. POST `step=do`: it is done, if that is still what it does."""
    action = ACTIONS.get(name)
    if action is None:
        raise Http404
    now = clock.now()
    if request.method != "POST":
        chosen = {name: value for name, value in request.GET.items() if name in action.form(subject_id).base_fields}
        return _form(request, action, subject_id, action.form(subject_id)(initial=chosen))
    form = action.form(subject_id)(request.POST)
    if not form.is_valid():
        return _form(request, action, subject_id, form)
    try:
        shown = _ask_or_show(request, action, subject_id, form, now)
    except Problem as problem:
        told(request, problem)
        return _form(request, action, subject_id, form)
    return (
        _confirmation(request, action, subject_id, form, shown) if isinstance(shown, Shown) else _told(request, shown)
    )


def _ask_or_show(
    request: HttpRequest, action: Action, subject_id: str, form: ActionForm, now: datetime
) -> Shown | DeskAction:
    """The confirmation first; again when the facts changed while somebody read it; else it is done."""
    key = request.POST.get("key", "")
    known = DeskAction.objects.filter(pk=key, asked_by=me(request), action=action.name).first() if key else None
    if known is not None:  # the same button pressed twice
        return known
    shown = carrying_out.show(action.name, subject_id, form.inputs, user=me(request), now=now)
    if request.POST.get("step") != "do" or len(key) != ULID_LENGTH:
        return shown
    if shown.as_rows() != _seen(request):
        messages.warning(request, "Something changed while you were reading. This is what it would do now.")
        return shown
    return carrying_out.ask(
        key=key,
        name=action.name,
        subject_id=subject_id,
        inputs=form.inputs,
        reason=form.cleaned_data["reason"],
        shown=shown,
        user=me(request),
        now=now,
    )


def _seen(request: HttpRequest) -> list[list[str]]:
    """The effect as the confirmation that was sent back showed it."""
    rows = (request.POST.getlist(f"seen_{column}") for column in range(4))
    return [list(row) for row in zip(*rows, strict=False)]


def _form(request: HttpRequest, action: Action, subject_id: str, form: ActionForm) -> HttpResponse:
    subject = subject_of(action.about, subject_id)
    may = request.user.has_perm(action.permission)
    return drawn(request, "act.html", action.title, action=action, form=form, subject=subject, may=may)


def _confirmation(
    request: HttpRequest, action: Action, subject_id: str, form: ActionForm, shown: Shown
) -> HttpResponse:
    parties: dict[str, list[object]] = {}
    for effect in shown.effects:
        parties.setdefault(effect.party, []).append(effect)
    return drawn(
        request,
        "confirm.html",
        f"{action.title}: this is what happens",
        action=action,
        form=form,
        shown=shown,
        parties=parties,
        rows=shown.as_rows(),
        subject=subject_of(action.about, subject_id),
        key=new_id(),
        second=carrying_out.needs_second(shown),
        given=[(name, value) for name, value in request.POST.items() if name in form.fields],
        chosen=_in_words(form),
    )


def _in_words(form: ActionForm) -> list[tuple[str, str]]:
    """What was chosen, as the form says it."""
    words = []
    for name, field in form.fields.items():
        value = form.cleaned_data[name]
        choices = dict(getattr(field, "choices", []))
        words.append((str(field.label or name.replace("_", " ").capitalize()), str(choices.get(value, value or "–"))))
    return words


def _told(request: HttpRequest, asked: DeskAction) -> HttpResponse:
    tell = {DeskAction.State.DONE: messages.success, DeskAction.State.REFUSED: messages.error}
    say = tell.get(DeskAction.State(asked.state), messages.info)
    said = {DeskAction.State.WAITING: "A second person has to agree now. You will find it under “Asked for”."}
    say(request, said.get(DeskAction.State(asked.state)) or f"{asked.get_state_display()}: {asked.result}")
    if asked.booking_id:
        return redirect("admin:desk_booking", booking_id=asked.booking_id)
    if asked.person_id:
        return redirect("admin:desk_person", person_id=asked.person_id)
    return redirect(reverse("admin:desk_asked_one", args=[asked.pk]))
