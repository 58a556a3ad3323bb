"""The queue, and who looks after what."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from bookings.models import SupportItem
from common import clock
from common.problems import Problem
from support import queue
from support.actions.action import DESK

from .base import back, drawn, me, page, told


@page()
def waiting_list(request: HttpRequest) -> HttpResponse:
    """One list of everything that waits for a person."""
    now = clock.now()
    chosen = {name: request.GET.get(name, "")[:80] for name in ("q", "kind", "owner", "sort")}
    sort = queue.SORTS.get(chosen["sort"], queue.SORTS["deadline"])
    items = queue.open_items(q=chosen["q"], kind=chosen["kind"], owner=chosen["owner"], user=me(request))
    after = _number(request.GET.get("from", ""))
    found = list(items.order_by(*sort)[after : after + queue.PAGE + 1])
    more = len(found) > queue.PAGE
    return drawn(
        request,
        "queue.html",
        "What waits for a person",
        rows=queue.rows(found[: queue.PAGE], now=now),
        counts=queue.counts(),
        chosen=chosen,
        kinds=[(kind, queue.words(kind)) for kind in SupportItem.Kind.values],
        seconds=queue.waiting_for_second(),
        now=now,
        next_page=f"?{urlencode({**chosen, 'from': after + queue.PAGE})}" if more else "",
        may_work=request.user.has_perm(DESK),
        here=request.get_full_path(),
    )


def _number(text: str) -> int:
    return min(int(text), 100_000) if text.isascii() and text.isdigit() and len(text) < 7 else 0


@page(permission=DESK, post=True)
def claim(request: HttpRequest, item_id: str) -> HttpResponse:
    """Look after an item."""
    return _owned(request, item_id, queue.claim)


@page(permission=DESK, post=True)
def release(request: HttpRequest, item_id: str) -> HttpResponse:
    """Give an item back."""
    return _owned(request, item_id, queue.release)


def _owned(request: HttpRequest, item_id: str, change: object) -> HttpResponse:
    try:
        change(item_id=item_id, user=me(request))  # type: ignore[operator]
    except Problem as problem:
        told(request, problem)
    return back(request, reverse("admin:desk"))
