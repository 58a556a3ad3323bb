"""People for scripts, the addresses and the mail; and that none of it is there in any other mode."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings
from django.urls import URLResolver, get_resolver

from accounts.models import User
from bookings.jobs import send_mails
from catalog.models import InstructorProfile
from common import clock
from credits.models import CreditLot
from payments.models import Payment
from tests.support.cast import make_cast, soon

pytestmark = pytest.mark.usefixtures("house")


def post(path: str, body: Any = None) -> Any:
    return Client().post(f"/sandbox/{path}", body, content_type="application/json")


def as_person(person: dict[str, Any]) -> Client:
    return Client(headers={"Authorization": f"Bearer {person['access_token']}"})


def iso(hours: float) -> str:
    return f"{clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def test_people_made_by_script_book_and_pay_through_the_api() -> None:
    credits = [{"amount_cents": 2000, "expires_at": iso(48)}, {"amount_cents": 500, "expires_at": None}]
    student = post(
        "people",
        {
            "role": "student",
            "first_name": "Ada",
            "timezone": "Europe/Berlin",
            "card": "pm_card_visa",
            "credits": credits,
        },
    )
    assert student.status_code == 201
    student = student.json()
    assert set(student) == {
        "id",
        "email",
        "password",
        "access_token",
        "payment_method_id",
        "service_ids",
        "stripe_account_id",
    }
    teacher = post(
        "people",
        {
            "role": "instructor",
            "commission_bps": 1000,
            "connect": "ready",
            "services": [
                {"name": "Go", "hourly_rate_cents": 9000, "durations": [30, 60], "modalities": ["online"]},
                {"name": "Chess", "hourly_rate_cents": 8000},
            ],
        },
    ).json()
    assert len(teacher["service_ids"]) == 2
    assert teacher["stripe_account_id"].startswith("acct_")
    api = as_person(student)
    booking = api.post(
        "/api/v1/bookings",
        {
            "service_id": teacher["service_ids"][0],
            "starts_at": f"{soon(40).replace(minute=0):%Y-%m-%dT%H:%M:%SZ}",
            "duration_minutes": 60,
            "location_type": "online",
        },
        content_type="application/json",
    )
    assert booking.status_code == 201, booking.json()
    paid = api.post(
        "/api/v1/payments/checkout",
        {
            "booking_id": booking.json()["id"],
            "payment_method_id": student["payment_method_id"],
            "requested_credit_cents": 2500,
        },
        content_type="application/json",
    ).json()
    assert (paid["booking"]["payment_status"], paid["booking"]["credits_reserved_cents"]) == ("scheduled", 2500)
    assert Payment.objects.get().commission_bps == 1000
    changed = api.patch(
        f"/api/v1/bookings/{booking.json()['id']}/payment-method",
        {"payment_method_id": student["payment_method_id"]},
        content_type="application/json",
    )
    assert changed.status_code == 200, changed.json()
    logged_in = Client().post(
        "/api/v1/auth/token",
        {"email": student["email"], "password": student["password"]},
        content_type="application/json",
    )
    assert logged_in.status_code == 200


def test_a_token_outlives_years_of_a_turned_clock() -> None:
    person = post("people", {"role": "staff"}).json()
    post("clock", {"advance_seconds": 700 * 86_400, "run_jobs": False})
    assert as_person(person).get("/api/v1/auth/me").status_code == 200
    assert User.objects.get(pk=person["id"]).may_move_money()


def test_people_can_be_incomplete() -> None:
    assert post("people", {"role": "student", "card": None}).json()["payment_method_id"] is None
    teacher = post("people", {"role": "instructor", "connect": "none", "founding": True}).json()
    assert teacher["stripe_account_id"] is None
    profile = InstructorProfile.objects.get(pk=teacher["id"])
    assert (profile.commission_bps, profile.is_founding) == (800, True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"role": "king"}, 400, "invalid"),
        ({"role": "student", "timezone": "Mars/Olympus"}, 400, "invalid"),
        ({"role": "student", "credits": [{"amount_cents": 0}]}, 400, "invalid"),
        ({"role": "student", "credits": [{"amount_cents": 5, "expires_at": "2001-01-01T00:00:00Z"}]}, 400, "invalid"),
        ({"role": "instructor", "commission_bps": 10_001}, 400, "invalid"),
        ({"role": "instructor", "services": [{"name": "Go"}]}, 400, "invalid"),
        ({"role": "instructor", "connect": "perhaps"}, 400, "invalid"),
        ({"role": "student", "card": "pm_nobody"}, 400, "unknown_payment_method"),
        ({"role": "student", "card": "pm_card_chargeDeclined"}, 402, "card_not_saved"),
    ],
)
def test_people_who_cannot_be_are_refused_and_not_made(body: dict[str, Any], status: int, code: str) -> None:
    answer = post("people", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not User.objects.exists()
    assert not CreditLot.objects.exists()


def test_the_mail_that_was_sent_is_there_to_read() -> None:
    now = clock.now()
    cast = make_cast(now)
    booking = cast.lesson(soon(40), now=now)
    send_mails(now)
    mails = Client().get("/sandbox/mail").json()
    assert mails["count"] == 2
    mine = next(mail for mail in mails["data"] if mail["to"] == cast.student.user.email)
    assert (mine["kind"], mine["booking_id"]) == ("booking_confirmed.student", booking.pk)
    assert mine["subject"].startswith("Booked: Piano")
    assert "(America/New_York)" in mine["body"]
    assert "<h1>" in mine["html"]
    assert mine["at"].endswith("Z")
    assert Client().get("/sandbox/mail", {"to": cast.student.user.email}).json()["count"] == 1
    assert Client().get("/sandbox/mail", {"kind": "hold_placed"}).json()["data"] == []
    assert Client().get("/sandbox/mail", {"limit": "0"}).status_code == 400


def test_scripts_find_addresses_and_keys() -> None:
    found = Client().get("/sandbox/", headers={"Accept": "application/json"}).json()
    assert found["stripe_api_base"].startswith("http://127.0.0.1:")
    assert found["stripe_secret_key"].startswith("sk_test_")
    assert found["stripe_publishable_key"].startswith("pk_test_")
    assert "capture_completed_lessons" in found["jobs"]


def test_nothing_of_it_is_there_in_any_other_mode() -> None:
    paths = {"": "get", "clock": "get", "jobs/send_mails": "post", "settle": "post", "people": "post", "mail": "get",
             "turn": "post", "book": "post", "log-in": "post", "log-out": "post"}  # fmt: skip
    doors = next(entry for entry in get_resolver().url_patterns if str(entry.pattern) == "sandbox/")
    assert isinstance(doors, URLResolver)
    assert len(paths) == len(doors.url_patterns)
    with override_settings(SANDBOX_MODE=False):
        for path, method in paths.items():
            for one in (method, "post", "get"):
                answer = getattr(Client(), one)(f"/sandbox/{path}", content_type="application/json")
                assert answer.status_code == 404, path


def test_doors_say_what_they_take_and_open_to_no_other_site() -> None:
    refused = Client().delete("/sandbox/clock")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    foreign = Client(headers={"Sec-Fetch-Site": "cross-site"}).post("/sandbox/settle")
    assert foreign.status_code == 403
