"""allauth's headless views behind doors of our own: it knows the flows, we speak in our documents and problems.

A door checks the body by its serializer, hands it to allauth's view and reads the answer. What allauth refuses becomes a
problem document. Everything is one transaction that also holds the session's row, so that codes cannot be guessed by
asking many times at once, and a mail is never sent for what was not written.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.constants import Client
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from common.problems import Conflict, PermissionDenied, Problem, RateLimited

from .problem_responses import NotAuthenticated, invalid
from .tokens import lock_session

View = Callable[..., HttpResponse]


class SessionTokenNotValid(Problem):
    """What was begun by signing up, logging in or asking for a new password is over."""

    status, code, title = 401, "session_token_not_valid", "This was begun too long ago, or is done"
    remedy = "Begin again: sign up, log in or ask for a new password once more."


class EmailNotVerified(Problem):
    """The password was right; the address was never verified. A new code is on its way."""

    status, code, title = 401, "email_not_verified", "Verify your e-mail address first"
    remedy = "Send the code from the mail, with `session_token`, to auth/email/verify."


class SecondFactorNeeded(Problem):
    """The password was right; the account has an authenticator app."""

    status, code, title = 401, "second_factor_needed", "Now the code of your authenticator app"
    remedy = "Send the code, with `session_token`, to auth/2fa/authenticate, or log in with `code`."


class LogInAgain(Problem):
    """What protects the account is changed only shortly after one has shown who one is."""

    status, code, title = 401, "reauthentication_required", "Show again who you are"
    remedy = "Send your password to auth/reauthenticate or a code to auth/2fa/reauthenticate, then try again."


@dataclass(frozen=True, slots=True)
class Said:
    """What allauth answered: `data` and `meta` of its document."""

    status: int
    data: Any = None
    meta: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pending(self) -> str:
        """What has to be done next, when logging in is not complete."""
        flows = self.data.get("flows", []) if isinstance(self.data, dict) else []
        return next((str(flow["id"]) for flow in flows if flow.get("is_pending")), "")

    @property
    def session_token(self) -> str:
        return str(self.meta.get("session_token", ""))


def app_view(view_class: Any) -> View:
    """A view of allauth for programs, that use tokens and no cookies."""
    view: View = view_class.as_api_view(client=Client.APP)
    return view


def ask(
    view: View, request: HttpRequest, *, method: str, body: dict[str, Any], session_token: str = "", lock: str = ""
) -> Said:
    """Ask allauth, with the session of `session_token` or `lock` to ourselves. What it refuses `refuse` raises."""
    asked = request.method
    request._body = json.dumps(body).encode()
    request.method = method
    if session_token:
        request.META["HTTP_X_SESSION_TOKEN"] = session_token
    else:
        request.META.pop("HTTP_X_SESSION_TOKEN", None)
    request.__dict__.pop("headers", None)  # Django keeps what it once read
    with transaction.atomic():
        if key := session_token or lock:
            lock_session(key)
        try:
            response = view(request)
        except ImmediateHttpResponse as instead:
            response = instead.response
        finally:
            request.method = asked
    document = json.loads(response.content) if response.content.startswith(b"{") else {}
    return Said(
        status=response.status_code,
        data=document.get("data"),
        meta=document.get("meta") or {},
        errors=document.get("errors") or [],
    )


def refuse(said: Said, *, token: str = "", field_names: dict[str, str] | None = None) -> None:
    """Raise the problem that says what allauth refused; nothing when it did not."""
    if said.status < 400:
        return
    session_token = said.session_token or token
    if said.errors and said.status in (400, 409):
        raise _wrong_fields(said.errors, field_names or {})
    match said.status, said.pending:
        case 401, "verify_email":
            raise EmailNotVerified(session_token=session_token)
        case 401, "mfa_authenticate":
            raise SecondFactorNeeded(session_token=session_token)
        case 401, _ if said.meta.get("is_authenticated"):
            raise LogInAgain()
        case ((401 | 409 | 410), _) if token:
            raise SessionTokenNotValid()
        case ((401 | 410), _):
            raise NotAuthenticated()
        case 403, _:
            raise PermissionDenied()
        case 409, _:
            raise Conflict()
        case 429, _:
            raise RateLimited()
    raise invalid({"non_field_errors": ["This cannot be done."]})


def _wrong_fields(errors: list[dict[str, Any]], field_names: dict[str, str]) -> Problem:
    by_field: dict[str, list[str]] = {}
    for error in errors:
        name = str(error.get("param") or "non_field_errors")
        by_field.setdefault(field_names.get(name, name), []).append(str(error.get("message", "")))
    return invalid(by_field)
