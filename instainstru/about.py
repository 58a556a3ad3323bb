"""`schema/`: the API's description of itself, for programs. For people: api_docs.py."""

from functools import cache
from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_view import ApiView

from .written_docs import schema


class Schema(ApiView):
    """The OpenAPI 3.1 document."""

    schema = None  # type: ignore[assignment]  # not described by itself
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response(_document())


@cache
def _document() -> dict[str, Any]:
    return schema()
