"""Signing in and what protects an account: django-allauth's pages in our look, with the limits of the API.

A middleware stands before them: wrong passwords and codes are counted as at the API, and one session is worked on by one
request at a time, so that codes cannot be guessed by asking many times at once.
"""

from collections.abc import Callable
from typing import Any

from allauth.account import urls as account_urls
from allauth.mfa import urls as second_factor_urls
from allauth.usersessions import urls as session_urls
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path

from accounts.lockout import guarded
from accounts.rate_limits import address_of, login_of, refuse_if_too_many
from accounts.tokens import lock_session, stashed_user_id
from common.actors import Role
from common.problems import RateLimited
from pages.door import Page, to
from pages.words.problems import in_words

View = Callable[..., HttpResponse]
PASSWORDS, CODES = ("account_login", "account_reauthenticate"), ("mfa_authenticate", "mfa_reauthenticate")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(account_urls)),
    path("2fa/", include(second_factor_urls)),
    path("sessions/", include(session_urls)),
]


class Start(Page):
    """Where one begins after signing in."""

    roles = (Role.STUDENT, Role.INSTRUCTOR, Role.STAFF)

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        where = {Role.INSTRUCTOR.value: "dashboard", Role.STAFF.value: "admin:index"}.get(self.user.role, "home")
        return HttpResponseRedirect(to(where))


class Entrance:
    """Middleware: nobody gets in, or changes what protects an account, by trying often or all at once."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponse | None:
        name = (request.resolver_match.url_name if request.resolver_match else "") or ""
        if request.method != "POST" or not name.startswith(("account_", "mfa_")) or name == "account_logout":
            return None
        try:
            who = request.POST.get("login") or request.POST.get("email") or str(request.session.session_key)
            refuse_if_too_many("login", login_of(request, who.lower()[:254]))
            return _guarded(name, request, lambda: view(request, *args, **kwargs))
        except RateLimited as problem:
            answer = render(
                request, "pages/problem.html", {"title": "Too often", "words": in_words(problem)}, status=429
            )
            answer["Retry-After"] = str(problem.retry_after)
            return answer


def _guarded(name: str, request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    kind = "password" if name in PASSWORDS else "code" if name in CODES else ""
    account = _account(name, request) if kind else ""
    if not account:
        return _alone(request, work)
    with guarded(kind, account=account, address=address_of(request)) as this:
        answer = _alone(request, work)
        if answer.status_code == 302:
            this.was_right()
    return answer


def _account(name: str, request: HttpRequest) -> str:
    """Whose account is tried."""
    if request.user.is_authenticated:
        return request.user.email if name in PASSWORDS else request.user.pk
    if name == "account_login":
        return request.POST.get("login", "").lower()[:254]
    return stashed_user_id(str(request.session.session_key)) or ""


def _alone(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        if request.session.session_key:
            lock_session(request.session.session_key)
        answer = work()
        if hasattr(answer, "render") and callable(answer.render):
            answer.render()
        return answer
