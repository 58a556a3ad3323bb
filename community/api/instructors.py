"""`search` and `instructors`: finding somebody to learn from. Open to anybody."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.base import BookingApi, IsInstructor, LatestFirst, ListView
from bookings.next_free import next_free_times
from catalog.models import InstructorProfile
from catalog.queries import get_instructor, get_listed_instructor
from catalog.search import DISTANCE, PRICE, RELEVANCE, Wanted, forgiving, search
from catalog.services import change_profile
from community.queries import favorites_among

from . import inputs
from .documents import InstructorDocument


class BestFirst(LatestFirst):
    """By rank: how well they fit, or what the caller orders by."""

    ordering = ("-rank",)


class LeastFirst(BestFirst):
    ordering = ("rank",)


class Instructors(ListView):
    """Instructors with something on offer, the best rated first."""

    permission_classes = (AllowAny,)
    filters, answers = inputs.InstructorFilters, InstructorDocument
    pagination_class: ClassVar[type[LatestFirst]] = BestFirst
    operation_id = {"GET": "list_instructors"}

    def get(self, request: Request, **path: Any) -> Response:
        with forgiving():
            return super().get(request, **path)

    def paginator(self, order: str | None) -> LatestFirst:
        self.order = order or RELEVANCE
        return LeastFirst() if order in (PRICE, DISTANCE) else BestFirst()

    def rows(self, **wanted: Any) -> QuerySet[InstructorProfile]:
        return search(Wanted(ordering=self.order, **wanted))

    def context_of(self, page: list[Any]) -> dict[str, Any]:
        return about(self, page)


class Search(Instructors):
    """Instructors by words (slips forgiven), place, price, rating and day, the best fitting first."""

    filters = inputs.SearchFilters
    operation_id = {"GET": "search_instructors"}


class OneInstructor(BookingApi):
    """An instructor's public profile: what they offer at which price, how they are rated, when they are next free."""

    permission_classes = (AllowAny,)
    answers = InstructorDocument
    operation_id = {"GET": "read_instructor"}

    def get(self, request: Request, instructor_id: str) -> Response:
        instructor = get_listed_instructor(instructor_id)
        return Response(self.render(instructor, **about(self, [instructor])))


class MyProfile(BookingApi):
    """What students see of the calling instructor, listed or not; PATCH changes what they say about themselves."""

    permission_classes = (IsInstructor,)
    takes, answers = inputs.ProfileInput, InstructorDocument
    operation_id = {"GET": "read_my_profile", "PATCH": "change_my_profile"}

    def get(self, request: Request) -> Response:
        mine = get_instructor(self.user.pk)
        return Response(self.render(mine, **about(self, [mine])))

    def patch(self, request: Request) -> Response:
        change_profile(user=self.user, **self.body())
        return self.get(request)


def about(view: BookingApi, page: list[InstructorProfile]) -> dict[str, Any]:
    """What a page of instructors says beside themselves: free times, and favourites of who asks."""
    mine = favorites_among(view.user.pk, page) if view.user.is_authenticated else frozenset()
    return {"next_free": next_free_times(page, now=view.now), "favorites": mine}
