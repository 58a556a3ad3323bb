"""Reviews: one for each lesson that took place, answered once, hidden by support only with a reason.

What an instructor's stars add up to is kept on their profile, under its lock, with every change.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from bookings.models import Booking
from bookings.state_machine import BookingStatus
from catalog.models import InstructorProfile
from common.actors import Actor, Role
from common.problems import NotFound, PermissionDenied, Refused
from community.models import Review

REVIEW_FOR = timedelta(days=30)  # after the lesson's end


class NotReviewable(Refused):
    code, title = "lesson_not_completed", "Only a lesson that took place can be reviewed"
    remedy = "Review a booking whose status is COMPLETED."


class ReviewWindowClosed(Refused):
    code, title = "review_window_closed", "A lesson can be reviewed for 30 days after its end"
    remedy = "There is nothing to do: the 30 days are over."


class AlreadyReviewed(Refused):
    code, title = "already_reviewed", "This lesson has its review"
    remedy = "Read it among the instructor's reviews; it is written once."


class AlreadyResponded(Refused):
    code, title = "already_responded", "This review has its answer"
    remedy = "Read the answer in `response`; it is given once."


def write_review(*, actor: Actor, booking_id: str, rating: int, text: str, now: datetime) -> Review:
    """Review a lesson as its student: 1 to 5 stars, and words if one likes.

    Raises NotFound, NotReviewable, ReviewWindowClosed or AlreadyReviewed.
    """
    booking = Booking.objects.filter(pk=booking_id, student_id=actor.id).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    if booking.status != BookingStatus.COMPLETED:
        raise NotReviewable()
    if now > booking.ends_at + REVIEW_FOR:
        raise ReviewWindowClosed(closed_at=(booking.ends_at + REVIEW_FOR).isoformat())
    try:
        with transaction.atomic():
            profile = _locked_profile(booking.instructor_id)
            review = Review.objects.create(
                booking=booking,
                student_id=actor.id,
                instructor=profile,
                rating=rating,
                text=text.strip(),
                created_at=now,
            )
            _count(profile, review, 1)
            return review
    except IntegrityError as error:
        raise AlreadyReviewed() from error


def respond_to_review(*, actor: Actor, review_id: str, text: str, now: datetime) -> Review:
    """Answer a review as its instructor, once. Raises NotFound or AlreadyResponded."""
    with transaction.atomic():
        shown = Review.objects.select_for_update().filter(hidden_at=None)
        review = shown.filter(pk=review_id, instructor_id=actor.id).first()
        if review is None:
            raise NotFound("There is no such review.")
        if review.responded_at:
            raise AlreadyResponded()
        review.response, review.responded_at = text.strip(), now
        review.save(update_fields=["response", "responded_at"])
        return review


def hide_review(*, actor: Actor, review_id: str, reason: str, now: datetime) -> Review:
    """Take a review from view, for support, with a reason; its stars no longer count. Hidden stays as it was hidden."""
    with transaction.atomic():
        review, profile = _locked(review_id, actor)
        if review.hidden_at is None:
            review.hidden_at, review.hidden_by, review.hidden_reason = now, actor.id, reason.strip()
            review.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
            _count(profile, review, -1)
        return review


def show_review(*, actor: Actor, review_id: str) -> Review:
    """Put a hidden review back, for support; its stars count again."""
    with transaction.atomic():
        review, profile = _locked(review_id, actor)
        if review.hidden_at is not None:
            review.hidden_at, review.hidden_by, review.hidden_reason = None, "", ""
            review.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
            _count(profile, review, 1)
        return review


def _locked(review_id: str, actor: Actor) -> tuple[Review, InstructorProfile]:
    """Profile, then review: the order in which a new review takes them."""
    if actor.role is not Role.STAFF:
        raise PermissionDenied("Only staff may do this.")
    found = Review.objects.filter(pk=review_id).first()
    if found is None:
        raise NotFound("There is no such review.")
    profile = _locked_profile(found.instructor_id)
    return Review.objects.select_for_update().get(pk=review_id), profile


def _locked_profile(instructor_id: str) -> InstructorProfile:
    return InstructorProfile.objects.select_for_update().get(pk=instructor_id)


def _count(profile: InstructorProfile, review: Review, times: int) -> None:
    profile.rating_sum += times * review.rating
    profile.rating_count += times
    profile.save(update_fields=["rating_sum", "rating_count"])
