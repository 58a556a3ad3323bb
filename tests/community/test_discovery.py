"""Search, lists, profiles and favourites as a client of the API sees them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import InstructorProfile, Service, WeeklyHours
from common import clock
from community.models import Favorite
from tests.api.test_booking_documents import make_booking
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

from .conftest import api_of, client

HOUR = timedelta(hours=1)


def teachers(count: int, **other: Any) -> list[InstructorProfile]:
    made = [InstructorFactory.create(**other) for _ in range(count)]
    for profile in made:
        ServiceFactory.create(instructor=profile)
    return made


def test_two_misspelt_words_find_the_piano(service: Service) -> None:
    ServiceFactory.create(name="Guitar")

    found = api_of(None).get("search", q="pianno lesons")["results"]
    assert [one["services"][0]["name"] for one in found] == ["Piano"]


def test_a_profile_shows_what_one_needs_and_nothing_private(service: Service, student: User) -> None:
    profile = service.instructor
    profile.latitude, profile.longitude, profile.bio = Decimal("40.71"), Decimal("-74.01"), "Scales and songs."
    profile.save()
    shown = api_of(None).get(f"instructors/{profile.pk}")

    assert set(shown) == {
        *("id", "name", "bio", "timezone", "tier", "rating", "services", "area", "distance_km"),
        *("next_free_at", "is_favorite"),
    }
    assert (shown["name"], shown["tier"], shown["area"]) == (
        "Ina I.",
        "starting",
        {"latitude": 40.71, "longitude": -74.01},
    )
    assert shown["services"] == [
        {
            "id": service.pk,
            "name": "Piano",
            "description": None,
            "hourly_rate_cents": 12_000,
            "durations": [30, 45, 60, 90],
            "modalities": ["online", "student_location", "instructor_location", "neutral_location"],
        }
    ]
    text = client(None).get(f"/api/v1/instructors/{profile.pk}").content.decode()
    assert "Instructor" not in text
    assert "@" not in text
    near = api_of(student).get("search", lat=40.75, lng=-74.0)["results"][0]
    assert near["distance_km"] == 5


def test_an_instructor_says_who_they_are_and_roughly_where(instructor: User, student: User, service: Service) -> None:
    me = api_of(instructor)
    assert me.get("instructor/profile")["area"] is None
    said = me.patch("instructor/profile", bio=" Scales and songs. ", latitude=40.71284, longitude=-74.0)
    assert (said["bio"], said["area"]) == ("Scales and songs.", {"latitude": 40.71, "longitude": -74.0})
    assert api_of(None).get("search", q="songs")["results"][0]["area"] == said["area"]
    assert me.patch("instructor/profile", bio="")["area"] == said["area"]
    for wrong in (
        {"latitude": 1},
        {"latitude": None, "longitude": 1},
        {"latitude": "nan", "longitude": 1},
        {"latitude": 91, "longitude": 1},
        {"bio": "x" * 4001},
    ):
        me.patch("instructor/profile", 400, **wrong)
    assert me.patch("instructor/profile", latitude=None, longitude=None)["area"] is None
    assert api_of(student).patch("instructor/profile", 403, bio="Me")["code"] == "permission_denied"
    Service.objects.update(is_active=False)
    assert me.get("instructor/profile")["next_free_at"] is None


def test_who_cannot_be_found_has_no_profile(service: Service) -> None:
    InstructorProfile.objects.update(is_listed=False)

    assert api_of(None).get(f"instructors/{service.instructor_id}", 404)["code"] == "not_found"
    assert api_of(None).get("instructors")["results"] == api_of(None).get("search", q="piano")["results"] == []


def test_the_next_free_time_is_after_the_lessons_there_are(student: User, service: Service) -> None:
    def free() -> datetime:
        return datetime.fromisoformat(api_of(None).get(f"instructors/{service.instructor_id}")["next_free_at"])

    first = free()
    assert first > clock.now()
    assert first.minute % 15 == 0
    make_booking(student, service, first)
    assert free() >= first + HOUR
    WeeklyHours.objects.all().delete()
    assert api_of(None).get(f"instructors/{service.instructor_id}")["next_free_at"] is None


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"q": "x" * 201}, "q"),
        ({"lat": 91, "lng": 0}, "lat"),
        ({"lat": "nan", "lng": 0}, "lat"),
        ({"lat": 40}, "lng"),
        ({"within_km": 5}, "within_km"),
        ({"ordering": "distance"}, "ordering"),
        ({"ordering": "name"}, "ordering"),
        ({"min_rating": 6}, "min_rating"),
        ({"modality": "moon"}, "modality"),
        ({"day": "tomorrow"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"max_price_cents": -1}, "max_price_cents"),
        ({"colour": "blue"}, "colour"),
        ({"cursor": "cD1ub25zZW5zZQ"}, "cursor"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(service: Service, query: dict[str, Any], wrong: str) -> None:
    assert list(api_of(None).get("search", 400, **query)["errors"]) == [wrong]


@pytest.mark.parametrize("text", ["\U0001f3b9", "%", "' OR 1=1 --", "ﷺ", "x\ud7ffy", "a" * 200, "_ _", "\\"])
def test_any_text_can_be_searched_for(service: Service, text: str) -> None:
    assert api_of(None).get("search", q=text)["next"] is None


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("search", {"q": "piano"}),
        ("search", {"ordering": "price"}),
        ("search", {"ordering": "distance", "lat": 40, "lng": -70}),
        ("instructors", {}),
    ],
)
def test_pages_of_those_that_fit_alike_follow_without_gap_or_repeat(
    database: None, path: str, query: dict[str, Any]
) -> None:
    made = {profile.pk for profile in teachers(7)}
    page = api_of(None).get(path, page_size=3, **query)
    seen = [one["id"] for one in page["results"]]
    while page["next"]:
        page = client(None).get(page["next"]).json()
        seen += [one["id"] for one in page["results"]]
    assert len(seen) == 7
    assert set(seen) == made


@pytest.mark.parametrize("path", ["search?q=pianno&lat=40&lng=-70&within_km=500", "instructors", "favorites"])
def test_many_take_as_many_queries_as_one(student: User, path: str) -> None:
    me, taken = client(student), []
    for count in (1, 5):
        for profile in teachers(count - InstructorProfile.objects.count(), latitude=40, longitude=-70):
            Favorite.objects.create(student=student, instructor=profile, created_at=clock.now())
        with CaptureQueriesContext(connection) as queries:
            assert len(me.get(f"/api/v1/{path}").json()["results"]) == count
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 15, taken


def test_favorites_are_kept_once_and_are_ones_own(student: User, service: Service) -> None:
    me, path = api_of(student), f"/api/v1/favorites/{service.instructor_id}"
    for _ in range(2):
        assert client(student).put(path).json()["is_favorite"] is True
    assert Favorite.objects.count() == 1
    assert [one["id"] for one in me.get("favorites")["results"]] == [service.instructor_id]
    assert me.get("search", q="piano")["results"][0]["is_favorite"] is True
    other = api_of(UserFactory.create())
    assert other.get("favorites")["results"] == []
    assert other.get(f"instructors/{service.instructor_id}")["is_favorite"] is False

    other.delete(f"favorites/{service.instructor_id}")
    assert Favorite.objects.count() == 1
    for _ in range(2):
        me.delete(f"favorites/{service.instructor_id}")
    assert me.get("favorites")["results"] == []


def test_only_students_keep_favorites_of_those_who_can_be_found(
    student: User, instructor: User, staff: User, service: Service
) -> None:
    for somebody in (instructor, staff):
        assert client(somebody).put(f"/api/v1/favorites/{instructor.pk}").status_code == 403
    assert client(None).put(f"/api/v1/favorites/{instructor.pk}").status_code == 401
    assert client(student).put(f"/api/v1/favorites/{student.pk}").status_code == 404
    kept = client(student).put(f"/api/v1/favorites/{instructor.pk}")
    assert kept.status_code == 200
    service.instructor.is_listed = False
    service.instructor.save()
    assert api_of(student).get("favorites")["results"] == []
