"""The admin site: unfold's face under our content security policy, with the desk's pages beside the models'."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite

from accounts.admin_login import CountedLogin, SecondFactorSite

# Unfold's menus and dialogs are Alpine.js, whose attributes are expressions that it compiles with `new Function`. Without
# this word no menu opens. It is given to the admin's pages alone: they are for staff, show no foreign HTML, and load
# scripts from our own address only; inline scripts and inline styles stay forbidden here as everywhere.
ADMIN_MAY_ALSO = {"script-src": ["'unsafe-eval'"]}


class DeskSite(SecondFactorSite, UnfoldAdminSite):
    """Everything under /admin/."""

    login_form = CountedLogin

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Unfold writes its colours into an inline style element; ours are in static/support/desk.css."""
        return {**super().each_context(request), "colors": None}

    def extra_urls(self) -> list[URLPattern]:
        """The desk's pages, before the models': unfold asks for them."""
        from .pages import urls

        return urls(self.admin_view)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The front page begins with what waits."""
        from . import queue

        if request.user.has_perm("accounts.view_financials"):
            waits = {"counts": queue.counts(), "seconds": queue.waiting_for_second()}
            extra_context = {**(extra_context or {}), "desk": waits}
        return super().index(request, extra_context)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        return _may_also(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return _may_also(super().login)(request, extra_context)


def _may_also(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def widened(*args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = view(*args, **kwargs)
        answer._csp_update = ADMIN_MAY_ALSO  # type: ignore[attr-defined]  # django-csp's own word for it
        return answer

    return widened
