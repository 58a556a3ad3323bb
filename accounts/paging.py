"""Lists in pages, each with a cursor to the next: nothing is skipped or repeated while rows come and go."""

from typing import Any

from django.db import DataError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from .problem_responses import invalid, problem_of

NOT_OURS = (ValueError, TypeError, OverflowError, DataError)  # what a made-up position can do to a query


class LatestFirst(CursorPagination):
    """`results`, `next` and `previous`. Subclasses say in which order; the order ends with the id, so that it is total."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering: Any = ("-starts_at", "-id")

    @property
    def query_members(self) -> tuple[str, str]:
        """What a query string may say about pages."""
        return (self.cursor_query_param, self.page_size_query_param)

    def in_order(self, first: str) -> None:
        """Another order than the usual one: `first` is a field, with a minus for descending."""
        self.ordering = (first, "-id" if first.startswith("-") else "id")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """A page. Raises Invalid for a cursor that is not one of ours."""
        self.page_size_of(request)
        try:
            return super().paginate_queryset(queryset, request, view)
        except Exception as error:
            if problem_of(error) is None and not (self.asked_for(request) and isinstance(error, NOT_OURS)):
                raise
            raise invalid({"cursor": ["Not a cursor of this list."]}) from None

    def asked_for(self, request: Request) -> bool:
        """Whether the caller sent a cursor."""
        return self.cursor_query_param in request.query_params

    def page_size_of(self, request: Request) -> int:
        """How many rows a page has. Raises Invalid for what is not a whole number from 1 to the most there may be."""
        asked = request.query_params.get(self.page_size_query_param, "")
        if not asked:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 4 and 1 <= int(asked) <= self.max_page_size):
            raise invalid({self.page_size_query_param: [f"A whole number from 1 to {self.max_page_size}."]})
        return int(asked)

    def get_page_size(self, request: Request) -> int:
        return self.page_size_of(request)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        size["schema"] = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [cursor, size]


class SoonestFirst(LatestFirst):
    ordering = ("starts_at", "id")


class NewestFirst(LatestFirst):
    ordering = ("-created_at", "-id")
