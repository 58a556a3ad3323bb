"""`instructor/availability`: saved whole, never over somebody else's change; and the slots that follow from it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from bookings.models import Booking
from bookings.operations import book_lesson
from catalog.booking_rules import BookingConflict
from catalog.hours import hours_of
from catalog.models import AvailabilityException, InstructorProfile, Service, WeeklyHours
from common import clock
from common.actors import Door, Role
from payments.models import Payment
from sandbox_mode.people import make_person
from tests.support.cast import Cast, soon
from tests.support.factories import UserFactory

from .conftest import client_of
from .talking import Api, lesson

PATH = "/api/v1/instructor/availability"
MONDAYS = {"weekday": 0, "starts": "09:00", "ends": "12:00"}


def saved(client: APIClient, status: int = 200, *, etag: str | None = None, **document: Any) -> Any:
    """PUT with the ETag of now, unless told another."""
    match = client.get(PATH)["ETag"] if etag is None else etag
    answer = client.put(PATH, document, format="json", headers={"If-Match": match} if match else {})
    assert answer.status_code == status, answer.content
    return answer


def test_what_is_saved_is_read_again(instructor: User) -> None:
    client = client_of(instructor)
    document: dict[str, Any] = {
        "timezone": "Europe/London",
        "weekly_hours": [MONDAYS, {"weekday": 0, "starts": "12:00", "ends": "00:00"}],
        "exceptions": [
            {"date": "2027-06-07", "starts": None, "ends": None, "is_available": True},
            {"date": "2027-06-08", "starts": "08:00", "ends": "09:30", "is_available": False},
        ],
        "blackout_days": ["2027-12-24", "2027-12-25"],
        "buffer_minutes": 30,
        "travel_buffer_minutes": 90,
        "minimum_notice_minutes": 120,
        "travel_notice_minutes": 240,
        "overnight_protection": False,
    }
    answer = saved(client, **document)
    assert answer.json() == document
    read = client.get(PATH)
    assert (read.json(), read["ETag"]) == (document, answer["ETag"])
    assert answer["ETag"].startswith('"')
    again = saved(client, weekly_hours=[])
    assert again.json() == {
        "timezone": "Europe/London",
        "weekly_hours": [],
        "exceptions": [],
        "blackout_days": [],
        "buffer_minutes": 15,
        "travel_buffer_minutes": 60,
        "minimum_notice_minutes": 60,
        "travel_notice_minutes": 180,
        "overnight_protection": True,
    }
    assert not WeeklyHours.objects.exists()
    assert not AvailabilityException.objects.exists()


def test_saving_needs_the_version_one_has_read(instructor: User) -> None:
    client = client_of(instructor)
    first = client.get(PATH)["ETag"]
    missing = saved(client, 428, etag="", weekly_hours=[])
    assert missing.json()["code"] == "precondition_required"
    second = saved(client, etag=first, weekly_hours=[MONDAYS])["ETag"]
    for stale in (first, f"W/{second}", '"no such version"'):
        refused = saved(client, 412, etag=stale, weekly_hours=[])
        assert (refused.json()["code"], refused["ETag"]) == ("stale", second)
    assert client.get(PATH).json()["weekly_hours"] == [MONDAYS]
    saved(client, etag=f'"other", {second}', weekly_hours=[])
    saved(client, etag="*", weekly_hours=[MONDAYS])
    AvailabilityException.objects.create(instructor_id=instructor.pk, date="2027-06-07")  # by support, say
    assert client.get(PATH)["ETag"] != second


def test_of_two_who_save_at_once_one_is_told(instructor: User) -> None:
    etag = client_of(instructor).get(PATH)["ETag"]

    def save(weekday: int) -> int:
        try:
            hours = [{"weekday": weekday, "starts": "09:00", "ends": "10:00"}]
            headers = {"If-Match": etag}
            answer = client_of(instructor).put(PATH, {"weekly_hours": hours}, format="json", headers=headers)
            return int(answer.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(save, range(4)))
    assert statuses == [200, 412, 412, 412]
    assert WeeklyHours.objects.count() == 1


STRETCH = {"weekday": 1, "starts": "10:00", "ends": "12:00"}


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"weekly_hours": [STRETCH, {**STRETCH, "starts": "11:45", "ends": "13:00"}]}, "weekly_hours", "starts"),
        ({"weekly_hours": [STRETCH, {**STRETCH, "starts": "11:00", "ends": "00:00"}]}, "weekly_hours", "starts"),
        ({"weekly_hours": [STRETCH, {**STRETCH, "starts": "14:00", "ends": "13:00"}]}, "weekly_hours", "ends"),
        ({"weekly_hours": [STRETCH, {**STRETCH, "weekday": 7}]}, "weekly_hours", "weekday"),
        ({"weekly_hours": [STRETCH, {**STRETCH, "starts": "25:00"}]}, "weekly_hours", "starts"),
        ({"weekly_hours": [STRETCH, {**STRETCH, "starts": "10:00:30"}]}, "weekly_hours", "starts"),
        ({"exceptions": [{"date": "2027-06-07", "starts": "10:00", "is_available": True}]}, "exceptions", "ends"),
        ({"exceptions": [{"date": "0001-01-01", "is_available": True}]}, "exceptions", "date"),
        ({"exceptions": [{"date": "2027-06-07", "is_available": True}] * 2}, "exceptions", "starts"),
    ],
)
def test_what_is_wrong_is_said_by_entry(instructor: User, wrong: dict[str, Any], field: str, said: str) -> None:
    before = hours_of(instructor)
    problem = saved(client_of(instructor), 400, **{"weekly_hours": [], **wrong}).json()
    last = str(len(wrong[field]) - 1)
    assert {place: list(what) for place, what in problem["errors"][field].items()} == {last: [said]}
    assert hours_of(instructor) == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"buffer_minutes": 14}, "buffer_minutes"),
        ({"travel_buffer_minutes": 59}, "travel_buffer_minutes"),
        ({"minimum_notice_minutes": 59}, "minimum_notice_minutes"),
        ({"travel_notice_minutes": 10**30}, "travel_notice_minutes"),
        ({"blackout_days": ["2027-06-07", "2027-06-07"]}, "blackout_days"),
        ({"blackout_days": [f"{2027 + n // 365}-01-{1 + n % 28:02}" for n in range(367)]}, "blackout_days"),
        ({"weekly_hours": [STRETCH] * 85}, "weekly_hours"),
        ({"weekly_hours": None}, "weekly_hours"),
        ({"overnight_protection": "perhaps"}, "overnight_protection"),
    ],
)
def test_numbers_zones_and_counts_have_bounds(instructor: User, wrong: dict[str, Any], field: str) -> None:
    before = hours_of(instructor)
    problem = saved(client_of(instructor), 400, **{"weekly_hours": [], **wrong}).json()
    assert list(problem["errors"]) == [field]
    assert hours_of(instructor) == before


def test_hours_are_the_instructors_alone(instructor: User, student: User) -> None:
    assert client_of(student).get(PATH).status_code == 403
    assert client_of(None).get(PATH).status_code == 401
    newcomer = client_of(UserFactory.create(role=Role.INSTRUCTOR))
    assert newcomer.get(PATH).json()["weekly_hours"] == []
    saved(newcomer, weekly_hours=[MONDAYS])
    assert InstructorProfile.objects.count() == 2
    assert hours_of(instructor).weekly_hours != hours_of(student).weekly_hours


# --- Slots, the check and booking agree ------------------------------------------------------------------------------
def test_slots_the_check_and_booking_say_the_same(cast: Cast, student_api: Api, instructor_api: Api) -> None:
    service = cast.instructor.services[0]
    first = soon(50)
    student_api.post("bookings", 201, **lesson(cast, first, duration_minutes=60))
    path = f"instructors/{cast.instructor.user.pk}/availability"
    day = first.astimezone(UTC).date()
    asked: dict[str, Any] = {"from": day - timedelta(days=1), "to": day + timedelta(days=1)}
    for place, gap in (("online", 15), ("neutral_location", 60)):
        answer = student_api.get(path, service_id=service.pk, duration_minutes=45, location_type=place, **asked)
        slots = [datetime.fromisoformat(slot) for slot in answer["slots"]]
        length, buffer = timedelta(minutes=45), timedelta(minutes=gap)
        near = [first + n * timedelta(minutes=15) for n in range(-10, 12)]
        free = [at for at in near if at + length + buffer <= first or first + timedelta(hours=1) + buffer <= at]
        assert [at for at in near if at in slots] == free
        for at in near[::3]:
            body: dict[str, Any] = {
                "service_id": service.pk,
                "starts_at": at.isoformat(),
                "duration_minutes": 45,
                "location_type": place,
            }
            said = student_api.post("bookings/check-availability", **body)
            assert (said["available"], said["code"]) == ((True, None) if at in free else (False, "booking_conflict"))
    refused = student_api.post("bookings", 409, **lesson(cast, first + timedelta(minutes=60), duration_minutes=45))
    assert refused["code"] == "booking_conflict"
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("hours", "minutes", "code"),
    [(0.4, 0, "notice_too_short"), (48, 5, "not_on_quarter_hour"), (24 * 366, 0, "too_far_ahead")],
)
def test_what_the_rules_forbid_is_not_booked(
    cast: Cast, student_api: Api, hours: float, minutes: int, code: str
) -> None:
    wanted = lesson(cast, soon(hours) + timedelta(minutes=minutes))
    assert student_api.post("bookings", 422, **wanted)["code"] == code
    assert student_api.post("bookings/check-availability", **wanted)["code"] == code
    moved = student_api.post("bookings", 201, **lesson(cast, soon(60)))
    student_api.post("payments/checkout", booking_id=moved["id"])
    again = student_api.post(f"bookings/{moved['id']}/reschedule", 422, starts_at=wanted["starts_at"])
    assert again["code"] == code
    assert student_api.get(f"bookings/{moved['id']}")["status"] == "CONFIRMED"
    assert Booking.objects.count() == 1


def test_overnight_the_morning_is_protected(cast: Cast, student_api: Api, instructor_api: Api, at: Any) -> None:
    whole_week = [{"weekday": day, "starts": "00:00", "ends": "00:00"} for day in range(7)]
    saved(instructor_api.client, weekly_hours=whole_week, timezone="UTC")
    evening = (clock.now() + timedelta(days=1)).replace(hour=20, minute=30, second=0, microsecond=0)
    at(evening)
    wanted = lesson(cast, evening.replace(hour=8) + timedelta(days=1))
    refused = student_api.post("bookings", 422, **wanted)
    assert refused["code"] == "overnight_protection"
    assert datetime.fromisoformat(refused["earliest_start"]) == evening.replace(hour=9, minute=0) + timedelta(days=1)
    days: dict[str, Any] = {"from": evening.date(), "to": evening.date() + timedelta(days=1)}
    slots = student_api.get(f"instructors/{cast.instructor.user.pk}/availability", **days)["slots"]
    morning = evening.date() + timedelta(days=1)
    assert min(slot for slot in slots if slot >= f"{morning}") == f"{morning}T09:00:00Z"
    student_api.post("bookings", 201, **lesson(cast, evening.replace(hour=9, minute=0) + timedelta(days=1)))


def test_free_times_of_a_service_are_as_it_is_offered(cast: Cast, student_api: Api) -> None:
    path = f"instructors/{cast.instructor.user.pk}/availability"
    service = cast.instructor.services[0]
    day: dict[str, Any] = {"from": soon(48).date(), "to": soon(48).date()}
    answer = student_api.get(path, service_id=service.pk, **day)
    assert (answer["duration_minutes"], answer["location_type"]) == (min(service.durations), "online")
    assert student_api.get(path, **day)["duration_minutes"] == 60
    assert (
        student_api.get(path, 422, service_id=service.pk, duration_minutes=50, **day)["code"] == "duration_not_offered"
    )
    other = make_person(role=Role.INSTRUCTOR, now=clock.now(), connected=False).services[0]
    assert student_api.get(path, 404, service_id=other.pk, **day)["code"] == "not_found"
    assert "errors" in student_api.get(path, 400, location_type="moon", **day)


def test_two_lessons_five_minutes_apart_do_not_both_get_in(cast: Cast) -> None:
    """55 minutes from one o'clock and from two o'clock: fine alone, too close together, asked for at the same moment."""
    Service.objects.filter(pk=cast.instructor.services[0].pk).update(durations=[55])
    students = [make_person(role=Role.STUDENT, now=clock.now()) for _ in range(8)]
    start, now = soon(72), clock.now()

    def book(number: int) -> str:
        try:
            book_lesson(
                actor=students[number].user.as_actor(Door.API),
                service_id=cast.instructor.services[0].pk,
                starts_at=start + number * timedelta(hours=1),
                duration_minutes=55,
                location_type="online",
                now=now,
            )
        except BookingConflict as refused:
            return refused.code
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(book, range(8)))
    assert set(answers) == {"booked", "booking_conflict"}
    taken = list(Booking.objects.order_by("starts_at").values_list("starts_at", "ends_at"))
    assert len(taken) == answers.count("booked") == Payment.objects.count()
    for (_, ends), (starts, _) in pairwise(taken):
        assert starts - ends >= timedelta(minutes=15)


def test_a_time_given_up_comes_back_only_with_its_gap(cast: Cast, student_api: Api) -> None:
    """A declined checkout gives its time up; a lesson that ends when it starts is then too close to take it again."""
    first = student_api.post("bookings", 201, **lesson(cast, soon(10)))
    student_api.post("payments/checkout", 402, booking_id=first["id"], payment_method_id="pm_card_chargeCustomerFail")
    other = make_person(role=Role.STUDENT, now=clock.now(), card="pm_card_visa")
    before = datetime.fromisoformat(first["starts_at"]) - timedelta(minutes=30)
    Api(client_of(other.user)).post("bookings", 201, **lesson(cast, before, duration_minutes=30))
    again = student_api.post("payments/checkout", 409, booking_id=first["id"])
    assert again["code"] == "booking_conflict"
    assert not Booking.objects.get(pk=first["id"]).holds_slot
    assert Payment.objects.get(bookings=first["id"]).card_charged_cents == 0


def test_what_is_quoted_in_an_error_can_be_sent(student: User, service: Service) -> None:
    """A choice that is none is repeated in the answer; a lone surrogate in it is not."""
    body = f'{{"service_id": "{service.pk}", "duration_minutes": 60, "location_type": "\\ud800"}}'
    answer = client_of(student).post("/api/v1/bookings", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"]["location_type"] == ['"?" is not a valid choice.']
