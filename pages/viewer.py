"""Who looks at a page: their zone, their navigation, where signing in is."""

from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url

from accounts.models import User
from catalog.local_time import zone_of
from common.actors import Role
from common.problems import Invalid

ZONE_COOKIE = "zone"
VISITORS_ZONE = "America/New_York"


def zone_for(request: HttpRequest) -> ZoneInfo:
    """The zone in which somebody reads times: their own; a visitor's browser says theirs by a cookie."""
    user = getattr(request, "user", None)
    if isinstance(user, User):
        return ZoneInfo(user.timezone)
    try:
        return zone_of(request.COOKIES.get(ZONE_COOKIE, VISITORS_ZONE))
    except Invalid:
        return ZoneInfo(VISITORS_ZONE)


def sign_in_url(back_to: str) -> str:
    """Where to sign in, and come back to a page of ours afterwards."""
    return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': back_to}, quote_via=quote)}"


def context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the viewer's zone, their places in the site, and what the sandbox adds."""
    zone = zone_for(request)
    return {
        "zone": zone,
        "zone_name": zone.key,
        "places": _places(getattr(request, "user", None)),
        "here": request.path,
        "sign_in": sign_in_url(request.get_full_path()),
        "zone_is_guessed": not isinstance(getattr(request, "user", None), User),
        "sandbox_mode": settings.SANDBOX_MODE,
        "support_email": settings.SUPPORT_EMAIL,
        "site_url": settings.SITE_URL,
    }


def _places(user: object) -> list[tuple[str, str, str]]:
    """The main navigation, as (name of the page, words, icon); at most four, so that a phone shows them in a row."""
    if not isinstance(user, User):
        return []
    if user.role == Role.STUDENT:
        return STUDENTS_PLACES
    return INSTRUCTORS_PLACES if user.role == Role.INSTRUCTOR else []


STUDENTS_PLACES = [("find", "Find", "search"), ("lessons", "My lessons", "calendar"), ("wallet", "Wallet", "wallet")]
INSTRUCTORS_PLACES = [
    ("dashboard", "Your day", "home"),
    ("lessons", "Lessons", "calendar"),
    ("availability", "Hours", "clock"),
    ("earnings", "Earnings", "chart"),
]
