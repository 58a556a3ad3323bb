"""Reading twice, and reading only what was asked for: ETags, filters, orders, pages."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bookings.models import Booking
from catalog.models import Service
from common import clock
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

from .conftest import client_of
from .test_booking_documents import make_booking

HOUR = timedelta(hours=1)


@pytest.fixture
def booking(student: User, service: Service) -> Booking:
    return make_booking(student, service, clock.now() + 48 * HOUR)


def ids(client: APIClient, path: str, **query: Any) -> list[str]:
    response = client.get(f"/api/v1/{path}", query)
    assert response.status_code == 200, response.content
    return [one["id"] for one in response.json()["results"]]


@pytest.mark.parametrize(
    "path", ["bookings", "bookings/upcoming", "bookings/{id}", "bookings/{id}/timeline", "auth/me"]
)
def test_what_has_not_changed_is_not_sent_again(student: User, booking: Booking, path: str) -> None:
    client, address = client_of(student), f"/api/v1/{path.format(id=booking.pk)}"
    first = client.get(address)
    etag = first["ETag"]
    assert etag.startswith('W/"')
    assert first["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in first["Vary"].split(",")}

    for known in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        again = client.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"], again["Vary"]) == (etag, "private, no-cache", first["Vary"])
        assert "Content-Type" not in again
    for other in ('W/"other"', "nonsense", "", '"'):
        assert client.get(address, headers={"If-None-Match": other}).status_code == 200


def test_what_has_changed_is_sent_again(student: User, booking: Booking) -> None:
    client, address = client_of(student), f"/api/v1/bookings/{booking.pk}"
    etag = client.get(address)["ETag"]
    booking.note = "Bring the score."
    booking.save()

    changed = client.get(address, headers={"If-None-Match": etag})
    assert changed.json()["note"] == "Bring the score."
    assert changed["ETag"] != etag


def test_an_etag_opens_nothing(student: User, booking: Booking) -> None:
    etag = client_of(student).get(f"/api/v1/bookings/{booking.pk}")["ETag"]
    stranger = client_of(UserFactory.create())

    for known in (etag, "*"):
        answer = stranger.get(f"/api/v1/bookings/{booking.pk}", headers={"If-None-Match": known})
        assert (answer.status_code, answer.get("ETag")) == (404, None)
    assert client_of(None).get("/api/v1/bookings", headers={"If-None-Match": "*"}).status_code == 401


def test_instructor_and_student_have_different_etags_of_one_booking(
    student: User, instructor: User, booking: Booking
) -> None:
    path = f"/api/v1/bookings/{booking.pk}"
    etag = client_of(student).get(path)["ETag"]

    assert client_of(instructor).get(path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "wrong"),
    [
        ("bookings", {"state": "PENDING"}, ["state"]),
        ("bookings", {"status": "PENDING", "b": 1, "a": 1}, ["a", "b"]),
        ("bookings", {"status": "pending"}, ["status"]),
        ("bookings", {"payment_status": "paid"}, ["payment_status"]),
        ("bookings", {"upcoming": "perhaps"}, ["upcoming"]),
        ("bookings", {"from": "2027-03-01T10:00:00"}, ["from"]),
        ("bookings", {"from": "2027-03-02T00:00:00Z", "to": "2027-03-01T00:00:00Z"}, ["to"]),
        ("bookings", {"instructor": "me"}, ["instructor"]),
        ("bookings", {"ordering": "price"}, ["ordering"]),
        ("bookings", {"page_size": 0}, ["page_size"]),
        ("bookings", {"page_size": 101}, ["page_size"]),
        ("bookings", {"page_size": "²"}, ["page_size"]),
        ("bookings", {"page_size": "9" * 400}, ["page_size"]),
        ("bookings", {"cursor": "cD0A"}, ["cursor"]),
        ("bookings/upcoming", {"status": "PENDING"}, ["status"]),
        ("auth/me", {"page_size": 5}, ["page_size"]),
    ],
)
def test_a_query_that_says_something_else_is_refused(
    student: User, path: str, query: dict[str, Any], wrong: list[str]
) -> None:
    response = client_of(student).get(f"/api/v1/{path}?{urlencode(query)}")

    assert response.status_code == 400, response.content
    assert (response.json()["code"], list(response.json()["errors"])) == ("invalid", wrong)


def test_a_list_is_narrowed_by_time_and_turned_around(student: User, service: Service) -> None:
    start, client = clock.now() + 24 * HOUR, client_of(student)
    made = [make_booking(student, service, start + n * 2 * HOUR) for n in range(4)]
    latest_first = [one.pk for one in reversed(made)]

    since, until = made[1].starts_at.isoformat(), made[3].starts_at.isoformat()
    assert ids(client, "bookings", **{"from": since}) == latest_first[:3]
    assert ids(client, "bookings", to=until) == latest_first[1:]
    assert ids(client, "bookings", **{"from": since, "to": until, "ordering": "starts_at"}) == [made[1].pk, made[2].pk]
    address, seen = "/api/v1/bookings?page_size=3&ordering=starts_at", []
    while address:
        page = client.get(address).json()
        seen += [one["id"] for one in page["results"]]
        address = page["next"]
    assert seen == latest_first[::-1]


def test_support_narrows_by_person_and_nobody_reaches_further(
    student: User, instructor: User, staff: User, service: Service
) -> None:
    other_service = ServiceFactory.create(instructor=InstructorFactory.create())
    other_student = UserFactory.create()
    mine = make_booking(student, service, clock.now() + 24 * HOUR)
    with_other = make_booking(student, other_service, clock.now() + 30 * HOUR)
    theirs = make_booking(other_student, service, clock.now() + 36 * HOUR)

    support = client_of(staff)
    assert ids(support, "bookings") == [theirs.pk, with_other.pk, mine.pk]
    assert ids(support, "bookings", student=student.pk) == [with_other.pk, mine.pk]
    assert ids(support, "bookings", student=student.pk, instructor=instructor.pk) == [mine.pk]
    assert ids(client_of(student), "bookings", instructor=instructor.pk) == [mine.pk]
    assert ids(client_of(student), "bookings", student=other_student.pk) == []
    assert ids(client_of(instructor), "bookings", instructor=other_service.instructor_id) == []


def test_a_price_says_everything_and_adds_up(student: User, service: Service, booking: Booking) -> None:
    lesson = {
        "service_id": service.pk,
        "starts_at": booking.starts_at.isoformat(),
        "duration_minutes": 60,
        "location_type": "online",
    }
    preview = client_of(student).post("/api/v1/pricing/preview", lesson).json()
    frozen = client_of(student).get(f"/api/v1/bookings/{booking.pk}/pricing").json()
    for price in (preview, frozen):
        assert set(price) == {
            *(
                "base_price_cents",
                "student_fee_cents",
                "instructor_platform_fee_cents",
                "target_instructor_payout_cents",
            ),
            *("credit_applied_cents", "student_pay_cents", "application_fee_cents", "top_up_transfer_cents"),
            *("commission_bps", "line_items"),
        }
        assert sum(item["amount_cents"] for item in price["line_items"]) == price["student_pay_cents"] == 13_440
