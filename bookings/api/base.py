"""The two shapes that nearly every endpoint here has: do one thing to a booking, or list bookings."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.api_view import ApiView
from accounts.paging import LatestFirst, NewestFirst, SoonestFirst
from bookings.models import Booking
from bookings.queries import booking_seen_by
from common import clock

from .answers import BookingDocument, hidden_from

__all__ = ["LatestFirst", "NewestFirst", "SoonestFirst"]  # of accounts/paging.py, for the lists of this room


class BookingApi(ApiView):
    """An endpoint that shows bookings to whoever asks."""

    answers: ClassVar[type[Serializer[Any]]] = BookingDocument

    @cached_property
    def now(self) -> datetime:
        """When the request was received, for everything it decides (policy 2)."""
        return clock.now()

    def render(self, thing: Any, document: type[Serializer[Any]] | None = None, **context: Any) -> Any:
        """A document of something, for the caller's eyes."""
        return (document or self.answers)(thing, context={"viewer": self.user, **context}).data

    def shown(self, booking: Booking) -> Booking:
        """The booking as it stands now, with all that its document needs."""
        return booking_seen_by(self.user, booking.pk)


class OperationView(BookingApi):
    """POST: parse, make one call, render.

    Subclasses say which call: `operate` takes what path and body say, and returns a booking or a result that carries
    one as `booking`.
    """

    may_move_money = True
    operate: Callable[..., Any]

    def post(self, request: Request, **path: Any) -> Response:
        result = self.operate(**path, **self.body())
        return Response(self.render(self._whole(result)), status=self.answer_status)

    def _whole(self, result: Any) -> Any:
        if isinstance(result, Booking):
            return self.shown(result)
        return _Shown(result, self.shown(result.booking))


class MoneyView(OperationView):
    """An operation that counts against the limit of the ones that move money."""

    write_scope = "money"


class _Shown:
    """The result of an operation, with its booking as it is to be shown."""

    def __init__(self, result: Any, booking: Booking) -> None:
        self._result = result
        self.booking = booking

    def __getattr__(self, name: str) -> Any:
        return getattr(self._result, name)


class ListView(BookingApi):
    """GET: a page of a list.

    Subclasses say which rows the caller may see: `rows` takes what path and query string say.
    """

    rows: Callable[..., QuerySet[Any]]

    pagination_class: ClassVar[type[LatestFirst]] = LatestFirst  # `ordering` in the query string says otherwise

    def context(self) -> dict[str, Any]:
        """What else the documents of this list need to know."""
        return {}

    def context_of(self, page: list[Any]) -> dict[str, Any]:
        """The same, for those that need to know more about the rows of one page."""
        return self.context()

    def shown_of(self, page: list[Any]) -> list[Any]:
        """What is shown of the rows of a page, when it is not they."""
        return page

    def paginator(self, order: str | None) -> LatestFirst:
        """The pages, in the order that the query string asks for."""
        pages = self.pagination_class()
        if order:
            pages.in_order(order)
        return pages

    def get(self, request: Request, **path: Any) -> Response:
        query = self.query()
        paginator = self.paginator(query.pop("ordering", None))
        page = self.shown_of(paginator.paginate_queryset(self.rows(**path, **query), request, self) or [])
        document = self.shows or self.answers
        return paginator.get_paginated_response(
            document(page, many=True, context={"viewer": self.user, **self.context_of(page)}).data
        )


class _RolePermission(BasePermission):
    role: ClassVar[str]

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.role == self.role)


class IsStudent(_RolePermission):
    message = "This is for students."
    who = "student"
    role = "student"


class IsInstructor(_RolePermission):
    message = "This is for instructors."
    who = "instructor"
    role = "instructor"


class IsStaff(_RolePermission):
    message = "This is for support staff."
    role = "staff"
    who = "staff"


class MayMoveMoney(BasePermission):
    """Support with the permission `manage_financials`."""

    message = "This is for support staff who may move money."
    who = "staff with `manage_financials`"

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.may_move_money())


class SeesWhatTheStudentPays(BasePermission):
    """The student, and support that may see money."""

    message = "What the student pays with is not for you."
    who = "the student, staff who may see money"

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and not hidden_from(request.user))
