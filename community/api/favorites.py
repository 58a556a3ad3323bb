"""`favorites`: the instructors a student wants to find again."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.base import BookingApi, IsStudent, ListView, NewestFirst
from community.models import Favorite
from community.operations import favorites
from community.queries import favorites_of

from .documents import InstructorDocument
from .instructors import about


class Favorites(ListView):
    """The caller's favourite instructors, kept last first."""

    permission_classes = (IsStudent,)
    answers, pagination_class = InstructorDocument, NewestFirst
    operation_id = {"GET": "list_favorites"}

    def rows(self) -> QuerySet[Favorite]:
        return favorites_of(self.user.pk)

    def shown_of(self, page: list[Any]) -> list[Any]:
        return [favorite.instructor for favorite in page]

    def context_of(self, page: list[Any]) -> dict[str, Any]:
        return about(self, page)


class OneFavorite(BookingApi):
    """Keep an instructor, or let them go. Doing either twice is harmless."""

    permission_classes = (IsStudent,)
    answers = InstructorDocument
    operation_id = {"PUT": "keep_favorite", "DELETE": "drop_favorite"}

    def put(self, request: Request, instructor_id: str) -> Response:
        kept = favorites.keep_favorite(actor=self.actor, instructor_id=instructor_id, now=self.now)
        return Response(self.render(kept.instructor, **about(self, [kept.instructor])))

    def delete(self, request: Request, instructor_id: str) -> Response:
        favorites.drop_favorite(actor=self.actor, instructor_id=instructor_id)
        return Response(status=204)
