"""`errors` and `errors/{code}`: the documentation of every error, where the `type` of a problem document points."""

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_view import ApiView
from accounts.problem_responses import type_of
from common.problems import NotFound, Problem

from .problem_catalogue import catalogue


class ErrorDocument(serializers.Serializer[Any]):
    """What one code means."""

    code = serializers.CharField(help_text="Stable, for programs")
    status = serializers.IntegerField(help_text="The HTTP status it comes with")
    title = serializers.CharField()
    remedy = serializers.CharField(help_text="What to do about it")
    type = serializers.URLField(help_text="The address of this page; the `type` of the problem documents")


class ErrorsDocument(serializers.Serializer[Any]):
    results = ErrorDocument(many=True)


class Errors(ApiView):
    """Every error code, with what to do about it."""

    permission_classes = (AllowAny,)
    answers = ErrorsDocument
    operation_id = {"GET": "list_errors"}

    def get(self, request: Request) -> Response:
        return Response({"results": [_document(problem) for problem in catalogue().values()]})


class OneError(ApiView):
    """One error code, with what to do about it."""

    permission_classes = (AllowAny,)
    answers = ErrorDocument
    operation_id = {"GET": "read_error"}

    def get(self, request: Request, code: str) -> Response:
        if code not in catalogue():
            raise NotFound("There is no such code.")
        return Response(_document(catalogue()[code]))


def _document(problem: type[Problem]) -> dict[str, Any]:
    return {
        "code": problem.code,
        "status": problem.status,
        "title": problem.title,
        "remedy": problem.remedy,
        "type": type_of(problem.code),
    }
