"""Reviews: of lessons that took place, once, answered once, hidden with a reason; and what the stars add up to."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from catalog.models import InstructorProfile, Service
from common import clock
from common.actors import Door
from common.ids import new_id
from common.problems import Problem
from community.models import Review
from community.operations.reviews import write_review
from tests.api.test_booking_documents import make_booking
from tests.support.factories import InstructorFactory, UserFactory

from .conftest import Given, api_of

SECOND = timedelta(seconds=1)


def stars(instructor: User) -> tuple[int, int]:
    profile = InstructorProfile.objects.get(pk=instructor.pk)
    shown = Review.objects.filter(instructor=profile, hidden_at=None)
    assert profile.rating_count == shown.count()
    assert profile.rating_sum == sum(shown.values_list("rating", flat=True))
    return profile.rating_sum, profile.rating_count


def test_a_lesson_is_reviewed_answered_and_read_by_anybody(student: User, instructor: User, given: Given) -> None:
    booking = given()
    review = api_of(student).post("reviews", 201, booking_id=booking.pk, rating=4, text=" Patient. ")
    assert (review["rating"], review["text"], review["student"], review["response"]) == (4, "Patient.", "Sam S.", None)
    answered = api_of(instructor).post(f"reviews/{review['id']}/respond", text="Thank you!")
    assert (answered["response"], answered["service"]) == ("Thank you!", "Piano")

    listed = api_of(None).get(f"instructors/{instructor.pk}/reviews")["results"]
    assert listed == [answered]
    assert "booking_id" not in answered
    assert stars(instructor) == (4, 1)
    assert api_of(None).get(f"instructors/{instructor.pk}")["rating"] == {"average": 4.0, "count": 1}


def test_what_cannot_be_reviewed(student: User, instructor: User, service: Service, given: Given, at: Any) -> None:
    api, to_come, old = api_of(student), make_booking(student, service, clock.now() + timedelta(hours=30)), given(20)
    theirs = given(5, of=UserFactory.create())
    refusals = [
        (to_come.pk, 422, "lesson_not_completed"),
        (theirs.pk, 404, "not_found"),
        (new_id(), 404, "not_found"),
    ]
    for booking_id, status, code in refusals:
        assert api.post("reviews", status, booking_id=booking_id, rating=5)["code"] == code
    for wrong in ({"rating": 0}, {"rating": 6}, {"rating": "five"}, {}, {"rating": 5, "text": "x" * 2001}):
        assert api.post("reviews", 400, booking_id=old.pk, **wrong)["code"] == "invalid"
    at(old.ends_at + timedelta(days=30) + SECOND)
    assert api.post("reviews", 422, booking_id=old.pk, rating=5)["code"] == "review_window_closed"
    assert stars(instructor) == (0, 0)

    at(old.ends_at + timedelta(days=30))
    api.post("reviews", 201, booking_id=old.pk, rating=5)
    assert stars(instructor) == (5, 1)


def test_once_is_once(student: User, instructor: User, given: Given) -> None:
    booking = given()
    review = api_of(student).post("reviews", 201, booking_id=booking.pk, rating=5)
    assert api_of(student).post("reviews", 422, booking_id=booking.pk, rating=1)["code"] == "already_reviewed"
    respond = f"reviews/{review['id']}/respond"
    api_of(instructor).post(respond, text="Thanks.")
    assert api_of(instructor).post(respond, 422, text="Again.")["code"] == "already_responded"
    assert Review.objects.get().response == "Thanks."
    assert stars(instructor) == (5, 1)


def test_two_reviews_at_the_same_moment_are_one(student: User, instructor: User, given: Given) -> None:
    booking, now = given(), clock.now()

    def write(rating: int) -> str:
        try:
            write_review(actor=student.as_actor(Door.API), booking_id=booking.pk, rating=rating, text="", now=now)
        except Problem as problem:
            return problem.code
        finally:
            connection.close()
        return "written"

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(write, (1, 2, 3, 4)))
    assert results == ["already_reviewed"] * 3 + ["written"]
    assert stars(instructor)[1] == 1


def test_only_the_instructor_answers_and_only_support_hides(
    student: User, instructor: User, staff: User, given: Given
) -> None:
    review = api_of(student).post("reviews", 201, booking_id=given().pk, rating=1, text="Rude words.")
    other = InstructorFactory.create().user
    assert api_of(other).post(f"reviews/{review['id']}/respond", 404, text="Hm.")["code"] == "not_found"
    api_of(student).post(f"reviews/{review['id']}/respond", 403, text="Hm.")
    for somebody in (student, instructor):
        api_of(somebody).post(f"admin/reviews/{review['id']}/hide", 403, reason="I do not like it.")
    assert stars(instructor) == (1, 1)

    api_of(staff).post(f"admin/reviews/{review['id']}/hide", 400, reason="")
    hidden = api_of(staff).post(f"admin/reviews/{review['id']}/hide", reason="Insulting.")
    assert hidden["hidden_reason"] == "Insulting."
    assert api_of(staff).post(f"admin/reviews/{review['id']}/hide", reason="Again.") == hidden
    assert stars(instructor) == (0, 0)
    assert api_of(None).get(f"instructors/{instructor.pk}/reviews")["results"] == []
    api_of(instructor).post(f"reviews/{review['id']}/respond", 404, text="Thank you.")

    api_of(staff).post(f"admin/reviews/{review['id']}/show")
    assert api_of(staff).post(f"admin/reviews/{review['id']}/show")["hidden_at"] is None
    assert stars(instructor) == (1, 1)


def test_the_database_keeps_stars_and_reasons(student: User, instructor: User, given: Given) -> None:
    review = {"booking": given(), "student": student, "instructor_id": instructor.pk, "created_at": clock.now()}
    for wrong in ({"rating": 6}, {"rating": 5, "hidden_at": clock.now()}, {"rating": 5, "response": "Thanks."}):
        with pytest.raises(IntegrityError):
            Review.objects.create(**review, **wrong)
    with pytest.raises(IntegrityError):
        InstructorProfile.objects.filter(pk=instructor.pk).update(rating_sum=6, rating_count=1)


def test_reviews_take_as_many_queries_for_many_as_for_one(
    student: User, instructor: User, given: Given, django_assert_num_queries: Any
) -> None:
    api, path = api_of(None), f"instructors/{instructor.pk}/reviews"
    for days in range(1, 6):
        api_of(student).post("reviews", 201, booking_id=given(days).pk, rating=5)
        with django_assert_num_queries(4):  # the rate limit, the instructor and their services, the reviews
            assert len(api.get(path)["results"]) == days
