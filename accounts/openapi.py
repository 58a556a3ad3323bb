"""How our views describe themselves: from `takes`, `answers` and their docstring; every error is a problem document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from .idempotency import LONGEST_KEY
from .problem_responses import CONTENT_TYPE


class ProblemDocument(serializers.Serializer[Any]):
    """RFC 9457. Some problems carry more members, named in their detail: `errors` by field, `decline_code`, …"""

    type = serializers.CharField(help_text="The address that says what the code means")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, for people")
    code = serializers.CharField(help_text="Stable, for programs")
    instance = serializers.CharField(required=False, help_text="The path that was asked for")
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


class ApiSchema(AutoSchema):
    """Reads what an ApiView says about itself."""

    view: Any

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
        if self.method in ("POST", "PATCH") and self.view.keeps_answers:
            parameters.append(IDEMPOTENCY_KEY)
        if self.method == "PUT" and self.view.takes().fields:  # without a body nothing is overwritten
            parameters.append(IF_MATCH)
        return parameters

    def get_request_serializer(self) -> Any:
        return self.view.takes if self.method in ("POST", "PATCH", "PUT") else None

    def get_response_serializers(self) -> Any:
        problem = OpenApiResponse(ProblemDocument, "Every error")
        answers: dict[Any, Any] = {("default", CONTENT_TYPE): problem}
        match self.method:
            case "DELETE":
                answers[204] = OpenApiResponse(None, "Done")
            case "POST":
                answers[self.view.answer_status] = self.view.answers
            case "GET":
                if not self.view.files or self.view.pagination_class:
                    answers[200] = self.view.shows or self.view.answers
                answers |= dict.fromkeys([(200, media) for media in self.view.files], OpenApiTypes.STR)
                answers[304] = OpenApiResponse(None, "Not changed since the ETag in If-None-Match")
            case _:
                answers[200] = self.view.answers
        return answers

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        return operation and {**operation, "x-who": self.view.may_call(self.method)}

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
