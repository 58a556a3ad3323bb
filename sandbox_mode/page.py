"""The page for newcomers: what time it is, buttons that turn the clock, people to be, mails, lessons, the ledger."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from accounts import second_factor
from accounts.models import User
from common import clock
from common.problems import Problem

from . import agenda, mailbox, overview, seed, walker
from .doors import in_sandbox_mode
from .scripts import DEMO_LOGINS, addresses

HOUR = timedelta(hours=1)
PAGE = "/sandbox/"
TURNED = "sandbox_turned"
BUTTONS = {"hour": HOUR, "day": 24 * HOUR}
MAILS = 8
FAR = timedelta(days=40)  # what is due later is no button: the walk would take long and show little


@in_sandbox_mode
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The page; for scripts (`Accept: application/json`) addresses and keys."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse(addresses())
    now = clock.now()
    zone = ZoneInfo(request.user.timezone if isinstance(request.user, User) else "UTC")
    return render(
        request,
        "sandbox/page.html",
        {
            "now": now,
            "face": _face(now, zone),
            "zone": zone.key,
            "ahead": _words(clock.offset()) if clock.offset() > HOUR / 60 else "",
            "next": _next(now),
            "turned": _turned(request),
            "people": overview.people(DEMO_LOGINS, now),
            "demo_logins": DEMO_LOGINS,
            "lessons": overview.lessons(now),
            "mails": mailbox.latest(limit=MAILS),
            "books": overview.books(),
            "addresses": addresses(),
            "site_url": settings.SITE_URL,
        },
    )


def _face(now: datetime, zone: ZoneInfo) -> dict[str, str]:
    """What the clock shows."""
    local = now.astimezone(zone)
    return {
        "day": f"{local:%A} {local.day} {local:%B %Y}",
        "time": f"{local.hour % 12 or 12}:{local:%M}",
        "rest": f"{local::%S %p}",
        "utc": f"{now:%H:%M} UTC" if zone.key != "UTC" else "",
    }


def _next(now: datetime) -> dict[str, Any] | None:
    found = agenda.next_thing_due(now)
    if found is None or found[0] - now > FAR:
        return None
    return {"at": found[0], "what": found[1], "within": _words(found[0] - now)}


def _turned(request: HttpRequest) -> dict[str, Any] | None:
    """What the last turn of the clock brought, shown once."""
    turned = request.session.pop(TURNED, None)
    since, until = (parse_datetime(turned[name]) for name in ("since", "until")) if turned else (None, None)
    if since is None or until is None:
        return None
    return {**turned, "since": since, "until": until, "events": overview.happened(since, until)}


def _words(span: timedelta) -> str:
    """Such as `2 days 3 h`, `5 h 20 min`, `40 s`."""
    days, seconds = span.days, span.seconds
    hours, minutes = divmod(seconds // 60, 60)
    if days:
        return f"{days} day{'s' if days > 1 else ''}{f' {hours} h' if hours else ''}"
    if hours:
        return f"{hours} h{f' {minutes} min' if minutes else ''}"
    return f"{minutes} min" if minutes else f"{seconds} s"


@in_sandbox_mode
@require_POST
def turn(request: HttpRequest) -> HttpResponse:
    """One of the buttons: an hour, a day, or to the next thing due."""
    since = clock.now()
    found = agenda.next_thing_due(since) if request.POST.get("by") == "next" else None
    to = found[0] if found else since + BUTTONS.get(request.POST.get("by", ""), timedelta())
    began = clock.system_now()
    try:
        walk = walker.walk(to)
    except Problem as problem:
        messages.error(request, problem.detail)
    else:
        request.session[TURNED] = {
            "since": since.isoformat(),
            "until": walk.now.isoformat(),
            "jobs": sum(1 for ran in walk.jobs if ran.processed),
            "webhooks": walk.webhooks,
            "seconds": round((clock.system_now() - began).total_seconds(), 1),
        }
    return HttpResponseRedirect(PAGE)


@in_sandbox_mode
@require_POST
def book(request: HttpRequest) -> HttpResponse:
    """A lesson of the demo student with the demo instructor, two days ahead at the next free hour."""
    try:
        booking = seed.book_another(clock.now())
    except (Problem, User.DoesNotExist) as trouble:
        messages.error(request, f"No lesson was booked: {trouble or 'the demo people are not here.'}")
    else:
        messages.success(request, f"{booking.student.first_name} booked {booking.service.name}. Now turn the clock.")
    return HttpResponseRedirect(PAGE)


@in_sandbox_mode
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Be one of the demo people: no password is asked here, and only here."""
    user = User.objects.filter(pk=request.POST.get("user", ""), is_active=True).first()
    if user is None:
        messages.error(request, "There is no such person.")
    else:
        auth.login(request, user)
        second_factor.record(request.session, user)
        messages.success(request, f"You are {user.first_name} now.")
    return HttpResponseRedirect(f"{PAGE}#people")


@in_sandbox_mode
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponseRedirect(f"{PAGE}#people")
