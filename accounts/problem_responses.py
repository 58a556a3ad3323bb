"""Every error as `application/problem+json` (RFC 9457) with a stable `code`: from a view, the router or a crash."""

import sys
from typing import Any

from django.conf import settings
from django.core import exceptions as django_errors
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from django_fsm import ConcurrentTransition
from rest_framework import exceptions as drf_errors
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from common.problems import Conflict, Invalid, NotFound, PermissionDenied, Problem, RateLimited

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"


class NotAuthenticated(Problem):
    status, code, title = 401, "not_authenticated", "Log in first"
    remedy = (
        "Log in and send `Authorization: Bearer …`; an access token that has run out is renewed with the refresh token."
    )


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "Not with this method"
    remedy = "Use a method that the header `Allow` names."


class NotAcceptable(Problem):
    status, code, title = 406, "not_acceptable", "There is no such representation"
    remedy = "Leave out `Accept`, or accept `application/json`."


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported_media_type", "Only JSON is understood"
    remedy = "Send JSON, with `Content-Type: application/json`."


class TooLarge(Problem):
    status, code, title = 413, "too_large", "The request is too large"
    remedy = "Send less: bodies are at most 2.5 MB."


class DatabaseUnavailable(Problem):
    """The database is down or gave up on a lock. Whatever was decided is kept and carried on later."""

    status, code, title = 503, "database_unavailable", "The database does not answer"
    remedy = "Wait `Retry-After` seconds and send the same request with the same Idempotency-Key."
    retry_after = 5


class ServerError(Problem):
    status, code, title = 500, "server_error", "Something broke on our side"
    remedy = "Read the object again before trying once more; if it stays, write to support with the time and the path."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook. None for a bug: it goes on to Django, which logs it and answers by `server_error`."""
    problem = problem_of(error)
    if problem is None:
        return None
    request = context.get("request")
    return Response(
        document(problem, request.path if request else ""),
        status=problem.status,
        headers=headers_of(problem),
        content_type=CONTENT_TYPE,
    )


def problem_of(error: BaseException | None) -> Problem | None:
    """The problem that tells a caller about this error, or None when it is a bug of ours."""
    match error:
        case Problem():
            return error
        case drf_errors.ValidationError():
            return invalid(error.detail)
        case drf_errors.ParseError():
            return Invalid(f"The body cannot be read: {error.detail}")
        case drf_errors.NotAuthenticated() | drf_errors.AuthenticationFailed():
            return NotAuthenticated(_sentence(error.detail))
        case drf_errors.PermissionDenied():
            return PermissionDenied(_sentence(error.detail))
        case drf_errors.NotFound():
            return NotFound()
        case drf_errors.MethodNotAllowed():
            return MethodNotAllowed(_sentence(error.detail))
        case drf_errors.NotAcceptable():
            return NotAcceptable()
        case drf_errors.UnsupportedMediaType():
            return UnsupportedMediaType(_sentence(error.detail))
        case drf_errors.Throttled():
            return RateLimited(retry_after=int(getattr(error, "wait", None) or 60))
        case drf_errors.APIException():
            return _plain(error)
        case Http404():
            return NotFound()
        case django_errors.PermissionDenied():
            return PermissionDenied(str(error))
        case django_errors.ValidationError():
            return invalid(error.message_dict if hasattr(error, "error_dict") else error.messages)
        case django_errors.RequestDataTooBig():
            return TooLarge()
        case django_errors.SuspiciousOperation():
            return Invalid()
        case ConcurrentTransition():
            return Conflict("It changed meanwhile. Read it again.")
        case OperationalError() | InterfaceError():
            return DatabaseUnavailable()
    return None


def invalid(errors: Any) -> Invalid:
    """400 with what is wrong, by field."""
    by_field = errors if isinstance(errors, dict) else {"non_field_errors": errors}
    return Invalid(_sendable(f"Wrong or missing: {', '.join(map(str, by_field))}."), errors=_sendable(by_field))


def _sendable(said: Any) -> Any:
    """What is quoted of a request, without the lone surrogates that no answer can carry."""
    match said:
        case dict():
            return {_sendable(key): _sendable(value) for key, value in said.items()}
        case list() | tuple():
            return [_sendable(value) for value in said]
        case str():
            return said.encode(errors="replace").decode()
    return said


def document(problem: Problem, path: str) -> dict[str, Any]:
    """The members of the problem document; whatever the problem carries stands beside the standard ones."""
    return {
        **problem.fields,
        "type": type_of(problem.code),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": path,
    }


def type_of(code: str) -> str:
    """The address at which the documentation of a code is found."""
    return f"{settings.SITE_URL}{API_PREFIX}v1/errors/{code}"


def headers_of(problem: Problem) -> dict[str, str]:
    """`Retry-After` when it is worth trying again; how to log in when nobody is."""
    headers: dict[str, str] = {**getattr(problem, "headers", {})}
    if (seconds := getattr(problem, "retry_after", None)) is not None:
        headers["Retry-After"] = str(seconds)
    if problem.status == NotAuthenticated.status:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def plain_response(problem: Problem, path: str) -> HttpResponse:
    """The problem as an answer outside of REST framework."""
    body = JSONRenderer().render(document(problem, path))
    return HttpResponse(body, status=problem.status, content_type=CONTENT_TYPE, headers=headers_of(problem))


# --- Django's own error handlers, named in instainstru/urls.py ------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return plain_response(problem_of(exception) or Invalid(), request.path)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return plain_response(PermissionDenied(), request.path)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return plain_response(NotFound(), request.path)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort: a bug, or a database that went away outside of a view."""
    if request.path.startswith(API_PREFIX):
        error = sys.exc_info()[1]
        known = problem_of(error) if isinstance(error, DatabaseError) else None
        return plain_response(known or ServerError(), request.path)
    return defaults.server_error(request)


def _plain(error: drf_errors.APIException) -> Problem:
    """Whatever else REST framework refuses: its own codes, with our shape."""
    problem = Problem(_sentence(error.detail), code=str(error.default_code))
    problem.status = error.status_code
    problem.title = str(error.default_detail)
    return problem


def _sentence(detail: Any) -> str:
    return str(detail.get("detail", "")) if isinstance(detail, dict) else str(detail)
