"""How our views describe themselves: from `takes`, `answers` and their docstring; every error is a problem document."""

from collections import defaultdict
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated

from common.problems import Conflict, Invalid, NotFound, PermissionDenied, Problem, RateLimited

from .idempotency import LONGEST_KEY, KeyInUse, KeyReused
from .problem_responses import (
    CONTENT_TYPE,
    DatabaseUnavailable,
    NotAuthenticated,
    ServerError,
    TooLarge,
    UnsupportedMediaType,
)
from .refusals import refusals_of
from .second_factor import SecondFactorRequired


class ProblemDocument(serializers.Serializer[Any]):
    """RFC 9457. Some problems carry more members, named in their detail: `errors` by field, `decline_code`, …"""

    type = serializers.CharField(help_text="The address that says what the code means")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, for people")
    code = serializers.CharField(help_text="Stable, for programs")
    instance = serializers.CharField(help_text="The path that was asked for")
    errors = serializers.DictField(  # type: ignore[assignment]  # a declared field is no attribute of the class
        required=False, help_text="What is wrong, by field (400 `invalid`)"
    )


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    OpenApiParameter.HEADER,
    description="The same key and body get the stored answer again, with `Idempotent-Replayed: true`, for 24 hours.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of an answer you have: 304 without a body while it is still the same.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of what was read; 428 without it, 412 when it was changed meanwhile.",
)


REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` when this is the stored answer of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
EMPTY = {"type": "object", "description": "An empty object"}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
TRY_AGAIN = (429, 503)


def problem_responses(*problems: type[Problem]) -> dict[str, Any]:
    """The answers of an operation that can refuse so: by status, with their codes."""
    by_status = defaultdict(set)
    for problem in problems:
        by_status[problem.status].add(problem)
    return {str(status): _problem_response(status, by_status[status]) for status in sorted(by_status)}


def _problem_response(status: int, problems: set[type[Problem]]) -> dict[str, Any]:
    titles = dict(sorted((problem.code, problem.title) for problem in problems))
    told = {"properties": {"status": {"const": status}, "code": {"enum": list(titles)}}}
    return {
        **({"headers": RETRY_AFTER} if status in TRY_AGAIN else {}),
        "content": {CONTENT_TYPE: {"schema": {"allOf": [{"$ref": "#/components/schemas/ProblemDocument"}, told]}}},
        "description": "\n".join(f"- `{code}`: {title}" for code, title in titles.items()),
    }


class ApiSchema(AutoSchema):
    """Reads what an ApiView says about itself, and from its code what it can refuse."""

    view: Any
    bodies: ClassVar[tuple[str, ...]] = ("POST", "PATCH", "PUT")

    def get_operation_id(self) -> str:
        name: str = self.view.operation_id.get(self.method) or super().get_operation_id()
        return name

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular takes neither path nor method
        """The docstring. A view with two methods may say both in a line: "The saved cards; POST saves one."."""
        text: str = super().get_description()
        reads, _, writes = text.partition("; POST ")
        if not writes:
            return text
        return f"{writes[0].upper()}{writes[1:]}" if self.method == "POST" else f"{reads}."

    def get_override_parameters(self) -> list[Any]:
        parameters = [self.view.filters] if self.method == "GET" and self.view.filters().fields else []
        if self.method == "GET":
            parameters.append(IF_NONE_MATCH)
        if self._keeps_answers():
            parameters.append(IDEMPOTENCY_KEY)
        if self.method == "PUT" and self.view.takes().fields:  # without a body nothing is overwritten
            parameters.append(IF_MATCH)
        return parameters

    def get_request_serializer(self) -> Any:
        return self.view.takes if self.method in self.bodies else None

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> Any:
        """A PATCH of ours needs what its serializer needs; drf-spectacular would make everything optional."""
        method, self.method = self.method, "POST"
        try:
            return super()._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method

    def get_response_serializers(self) -> Any:
        answers = self.view.answers if self.view.answers().fields else EMPTY
        match self.method:
            case "DELETE":
                return {204: OpenApiResponse(None, "Done")}
            case "POST":
                return {self.view.answer_status: answers}
            case "GET":
                unchanged = OpenApiResponse(None, "Not changed since the ETag in If-None-Match")
                files = dict.fromkeys([(200, media) for media in self.view.files], OpenApiTypes.STR)
                if self.view.files and not self.view.pagination_class:
                    return {**files, 304: unchanged}
                return {200: self.view.shows or self.view.answers, **files, 304: unchanged}
        return {200: answers}

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """What is answered when all is well, and every problem by its status."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self._keeps_answers():
            for body in bodies.values():
                body["headers"] = {**body.get("headers", {}), **REPLAYED}
        self.resolve_serializer(ProblemDocument, "response")  # which every problem response refers to
        return bodies | problem_responses(*refusals_of(type(self.view), str(self.method)), *self.common_problems())

    def common_problems(self) -> set[type[Problem]]:
        """What everybody may get who asks as this view lets them."""
        view, method = self.view, str(self.method)
        found: set[type[Problem]] = {RateLimited, ServerError, DatabaseUnavailable}
        if view.authentication_classes:
            found |= {NotAuthenticated} | ({PermissionDenied} if method != "GET" else set())  # no CSRF token
            if method != "GET" and view.asks_second_factor:
                found.add(SecondFactorRequired)
        if set(view.permission_classes) - {AllowAny, IsAuthenticated}:
            found.add(PermissionDenied)
        if method in self.bodies:
            found |= {Invalid, TooLarge, UnsupportedMediaType}
        elif method == "GET":
            found.add(Invalid)  # a query member that nobody knows
        if "{" in self.path:
            found.add(NotFound)
        if self._keeps_answers():
            found |= {KeyInUse, KeyReused, Invalid}
        if hasattr(view, "operate") and method != "GET":
            found.add(Conflict)
        return found

    def _keeps_answers(self) -> bool:
        return self.method in ("POST", "PATCH") and bool(self.view.keeps_answers)

    def get_extensions(self) -> dict[str, Any]:
        return {"x-who": self.view.may_call(self.method)}

    def is_deprecated(self) -> bool:
        return bool(self.view.deprecated)

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and getattr(self.view, "pagination_class", None) is not None


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # a library without types
    """`Authorization: Bearer`, as the document names it."""

    target_class = "accounts.tokens.BearerAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
