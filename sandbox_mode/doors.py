"""What every script door of sandbox mode has in common: JSON, no login, no CSRF token; not there in any other mode."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from rest_framework.serializers import Serializer

from accounts.problem_responses import MethodNotAllowed, plain_response, problem_of
from common.problems import Invalid, NotFound, PermissionDenied

Fields = dict[str, Any]
Work = Callable[..., Any]


def door(**work_by_method: Work) -> Callable[..., HttpResponse]:
    """A view from one function per method: `door(get=read_clock, post=turn_clock)`.

    Each takes the request, the JSON body (an object; empty when there is none) and the parts of the path, and returns what
    is answered, or that and an HTTP status. Errors are problem documents.
    """

    @csrf_exempt
    @never_cache
    def answer(request: HttpRequest, **path: Any) -> HttpResponse:
        try:
            refuse_outside_sandbox_mode()
            _refuse_other_sites(request)
            work = work_by_method.get(str(request.method).lower())
            if work is None:
                raise MethodNotAllowed(f"This door takes {', '.join(work_by_method).upper()}.")
            done = work(request, _body(request), **path)
            body, status = done if isinstance(done, tuple) else (done, 200)
            return JsonResponse(body, status=status, safe=False)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return plain_response(problem, request.path)

    return answer


def in_sandbox_mode(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For pages: 404 in any other mode."""

    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, **path: Any) -> HttpResponse:
        try:
            refuse_outside_sandbox_mode()
        except NotFound as problem:
            return plain_response(problem, request.path)
        return view(request, **path)

    return answer


def refuse_outside_sandbox_mode() -> None:
    """Raises NotFound where real money, or Stripe's test money, moves."""
    if not settings.SANDBOX_MODE:
        raise NotFound("There is no such page.")


def checked(serializer_class: type[Serializer[Any]], data: Any, **context: Any) -> Fields:
    """What a body or query string says. Raises REST framework's errors, answered as 400 `invalid`."""
    serializer = serializer_class(data=data, context=context)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _refuse_other_sites(request: HttpRequest) -> None:
    """A page of another site that somebody has open must not turn their clock."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise PermissionDenied("Not from the pages of another site.")


def _body(request: HttpRequest) -> Fields:
    if request.method == "GET" or not request.body:
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return body
