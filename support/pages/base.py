"""What the desk's pages share: who may open them, how they are drawn, what a refusal looks like."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied as Forbidden
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.models import User
from common.problems import Problem

VIEW = "accounts.view_financials"
View = Callable[..., HttpResponseBase]


def page(*, permission: str = VIEW, post: bool = False) -> Callable[[View], View]:
    """A page of the desk for those with a permission. `post`: it changes something, and is asked for by POST alone."""

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise Forbidden
            if post and request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not post and request.method not in ("GET", "HEAD", "POST"):
                return HttpResponseNotAllowed(["GET", "POST"])
            if any("\x00" in str(value) for value in kwargs.values()):
                raise Http404  # PostgreSQL has no text with it
            return view(request, *args, **kwargs)

        return opened

    return decorate


def drawn(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A page within the admin's frame."""
    frame = admin.site.each_context(request)
    return TemplateResponse(request, f"desk/{template}", {**frame, "title": title, **context})


def me(request: HttpRequest) -> User:
    """Whoever is logged in: the admin lets nobody else here."""
    assert isinstance(request.user, User)
    return request.user


def told(request: HttpRequest, problem: Problem) -> None:
    """Say what was refused at the top of the next page."""
    messages.error(request, problem.detail)


def back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To where the form was, when that is one of our own pages."""
    target = request.POST.get("next", "")
    return redirect(target if target.startswith("/admin/") and "\\" not in target else otherwise)
