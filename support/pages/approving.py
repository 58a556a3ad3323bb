"""What was asked for: what waits for a second person, and what came of everything."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from common import clock
from common.problems import Problem
from support import carrying_out
from support.actions import ACTIONS
from support.models import DeskAction
from support.subjects import subject_of

from .base import drawn, me, page, told

LATEST = 100


@page()
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for a second person, and the latest of what was asked for."""
    asked = DeskAction.objects.select_related("asked_by", "decided_by")
    return drawn(
        request,
        "asked.html",
        "Asked for at the desk",
        waiting=_titled(asked.filter(state=DeskAction.State.WAITING).order_by("asked_at")[:LATEST]),
        latest=_titled(asked.exclude(state=DeskAction.State.WAITING).order_by("-asked_at")[:LATEST]),
    )


def _titled(asked: object) -> list[tuple[str, DeskAction]]:
    return [(title_of(one), one) for one in asked]  # type: ignore[attr-defined]


def title_of(asked: DeskAction) -> str:
    return ACTIONS[asked.action].title if asked.action in ACTIONS else asked.action


@page()
def show(request: HttpRequest, action_id: str) -> HttpResponse:
    """One thing that was asked for, with what it was shown to do."""
    asked = DeskAction.objects.select_related("asked_by", "decided_by").filter(pk=action_id).first()
    if asked is None or asked.action not in ACTIONS:
        raise Http404
    action = ACTIONS[asked.action]
    mine = asked.asked_by_id == me(request).pk
    return drawn(
        request,
        "asked_one.html",
        f"{action.title}: {asked.get_state_display().lower()}",
        asked=asked,
        action=action,
        subject=subject_of(action.about, asked.subject_id),
        mine=mine,
        may=asked.state == DeskAction.State.WAITING and not mine and request.user.has_perm(action.permission),
    )


@page(post=True)
def decide(request: HttpRequest, action_id: str) -> HttpResponse:
    """Agree or decline. The rules are in `carrying_out.agree`: who asked cannot agree."""
    try:
        asked = carrying_out.agree(
            action_id=action_id, user=me(request), agrees=request.POST.get("answer") == "agree", now=clock.now()
        )
        messages.info(request, f"{asked.get_state_display()}. {asked.result}")
    except DeskAction.DoesNotExist:
        raise Http404 from None
    except Problem as problem:
        told(request, problem)
    return redirect("admin:desk_asked_one", action_id=action_id)
