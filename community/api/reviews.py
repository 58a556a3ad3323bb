"""`reviews`: what students say of lessons, what instructors answer, what support hides."""

from django.db.models import QuerySet
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.base import BookingApi, IsInstructor, IsStaff, IsStudent, ListView, NewestFirst
from catalog.queries import get_instructor
from community.models import Review
from community.operations import reviews
from community.queries import review_shown, reviews_of

from . import inputs
from .documents import HiddenReviewDocument, ReviewDocument


class Reviews(ListView):
    """What students say of an instructor, latest first."""

    permission_classes = (AllowAny,)
    answers, pagination_class = ReviewDocument, NewestFirst
    operation_id = {"GET": "list_reviews"}

    def rows(self, instructor_id: str) -> QuerySet[Review]:
        return reviews_of(get_instructor(instructor_id).pk)


class ReviewView(BookingApi):
    """POST: something about a review; answers it as it then is."""

    answers = ReviewDocument

    def answer(self, review: Review) -> Response:
        return Response(self.render(review_shown(review.pk)), status=self.answer_status)


class WriteReview(ReviewView):
    """Review a lesson that took place, within 30 days of its end, once."""

    permission_classes = (IsStudent,)
    takes, answer_status = inputs.ReviewInput, 201
    operation_id = {"POST": "write_review"}

    def post(self, request: Request) -> Response:
        return self.answer(reviews.write_review(actor=self.actor, now=self.now, **self.body()))


class RespondToReview(ReviewView):
    """Answer a review of one's own lesson, once."""

    permission_classes = (IsInstructor,)
    takes = inputs.RespondInput
    operation_id = {"POST": "respond_to_review"}

    def post(self, request: Request, review_id: str) -> Response:
        return self.answer(
            reviews.respond_to_review(actor=self.actor, review_id=review_id, now=self.now, **self.body())
        )


class HideReview(ReviewView):
    """Take a review from view, with a reason; its stars no longer count."""

    permission_classes = (IsStaff,)
    takes, answers = inputs.HideInput, HiddenReviewDocument
    operation_id = {"POST": "hide_review"}

    def post(self, request: Request, review_id: str) -> Response:
        return self.answer(reviews.hide_review(actor=self.actor, review_id=review_id, now=self.now, **self.body()))


class ShowReview(ReviewView):
    """Put a hidden review back."""

    permission_classes = (IsStaff,)
    answers = HiddenReviewDocument
    operation_id = {"POST": "show_review"}

    def post(self, request: Request, review_id: str) -> Response:
        return self.answer(reviews.show_review(actor=self.actor, review_id=review_id))
