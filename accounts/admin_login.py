"""Logging in to the admin: failures are counted, and whoever may move money needs the second factor."""

from typing import Any, cast

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django import forms
from django.contrib.admin.sites import AdminSite
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.forms import AuthenticationForm

from common.problems import RateLimited

from . import account_mail, second_factor
from .lockout import guarded
from .models import User
from .rate_limits import address_of, login_of, take

SECRET = "second_factor_secret"  # noqa: S105  # where the session keeps one that is being set up


class CountedLogin(AuthenticationForm):
    """E-mail and password, as often as the API takes them."""

    def clean(self) -> dict[str, Any]:
        email = str(self.cleaned_data.get("username") or "").lower()
        request = cast(HttpRequest, self.request)
        address = address_of(request)
        try:
            take("login", who=login_of(request, email), address=address)
            with guarded("password", account=email, address=address) as this:
                cleaned: dict[str, Any] = super().clean()
                this.was_right()
        except RateLimited as problem:
            raise forms.ValidationError(problem.detail) from None
        return cleaned


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class SecondFactorSite(AdminSite):
    """An admin site that money can only be moved from with the second factor."""

    login_form = CountedLogin

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not self.lacks_second_factor(request)

    def lacks_second_factor(self, request: HttpRequest) -> bool:
        """Whether somebody who is logged in must still show a code."""
        user = request.user
        return second_factor.must_pass(user) and not second_factor.passed(request.session, user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.user.is_authenticated and self.lacks_second_factor(request):
            return HttpResponseRedirect(reverse("admin:second_factor"))
        return super().login(request, extra_context)

    def get_urls(self) -> list[Any]:
        mine: list[URLPattern] = [path("second-factor/", self.pass_second_factor, name="second_factor")]
        return [*mine, *super().get_urls()]

    def pass_second_factor(self, request: HttpRequest) -> HttpResponse:
        """Ask for the code; set an app up first where there is none. Recovery codes are shown once."""
        user = request.user
        if not isinstance(user, User) or not user.is_staff or not self.lacks_second_factor(request):
            return HttpResponseRedirect(reverse("admin:index"))
        is_new = not second_factor.has_app(user)
        secret = request.session.setdefault(SECRET, totp.generate_totp_secret()) if is_new else ""
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                with guarded("code", account=user.pk, address=address_of(request)) as this:
                    codes = _passed(user, form.cleaned_data["code"], secret)
                    if codes is None:
                        raise forms.ValidationError("This is not the code of your app.")
                    this.was_right()
            except (RateLimited, forms.ValidationError) as refused:
                form.add_error("code", refused.detail if isinstance(refused, RateLimited) else refused)
            else:
                request.session.cycle_key()
                request.session.pop(SECRET, None)
                second_factor.record(request.session, user)
                if not codes:
                    return HttpResponseRedirect(reverse("admin:index"))
                return self._page(request, form, codes=codes)
        return self._page(request, form, secret=secret)

    def _page(self, request: HttpRequest, form: CodeForm, **more: Any) -> HttpResponse:
        context = {"title": "Second factor", "form": form, "site_header": self.site_header, **more}
        return TemplateResponse(request, "admin/second_factor.html", context, headers={"Cache-Control": "no-store"})


def _passed(user: User, code: str, secret: str) -> list[str] | None:
    """Recovery codes when this set up a new app, nothing more when the code was right; None when it was not."""
    if not secret:
        return [] if second_factor.is_right(user, code) else None
    if not totp.validate_totp_code(secret, code):
        return None
    with transaction.atomic():
        totp.TOTP.activate(user, secret)
        codes = RecoveryCodes.activate(user)
        codes.mark_as_viewed()
        account_mail.write(kind="second_factor_on", to=user.email)
    return list(codes.get_unused_codes())
