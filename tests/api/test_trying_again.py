"""A request that is sent again, after a crash, a failure of Stripe or by an impatient finger, is one request."""

import threading
from typing import Any

from django.db import connection

from accounts.idempotency import GIVEN_UP_AFTER, IdempotencyKey
from bookings.models import Booking
from common import clock
from tests.support.cast import Cast, soon
from tests.support.sandbox import Sandbox

from .conftest import client_of
from .talking import Api, booked, lesson


def test_booking_twice_with_one_key_books_once(cast: Cast, student_api: Api) -> None:
    wanted = lesson(cast, soon(48))
    first = student_api.post("bookings", 201, key="book-1", **wanted)
    second = student_api.post("bookings", 201, key="book-1", **wanted)

    assert first == second
    assert Booking.objects.count() == 1


def test_a_booking_that_stripe_interrupted_is_the_same_one_at_the_next_try(
    cast: Cast, student_api: Api, sandbox: Sandbox
) -> None:
    wanted = lesson(cast, soon(48))
    sandbox.control("POST", "faults", method="POST", path="/v1/setup_intents", kind="lost_request", count=20)
    assert student_api.post("bookings", 503, key="k", **wanted)["code"] == "stripe_unavailable"
    sandbox.control("DELETE", "faults")
    booking = student_api.post("bookings", 201, key="k", **wanted)

    assert [one.pk for one in Booking.objects.all()] == [booking["id"]]


def test_after_a_crash_the_same_key_finds_the_same_booking(cast: Cast, student_api: Api) -> None:
    wanted = lesson(cast, soon(48))
    booking = student_api.post("bookings", 201, key="k", **wanted)
    running = IdempotencyKey.State.RUNNING
    IdempotencyKey.objects.update(state=running)  # as if the process had died before it could answer
    assert student_api.post("bookings", 409, key="k", **wanted)["code"] == "idempotency_key_in_use"
    IdempotencyKey.objects.update(claimed_at=clock.system_now() - GIVEN_UP_AFTER)

    assert student_api.post("bookings", 201, key="k", **wanted)["id"] == booking["id"]
    assert Booking.objects.count() == 1


def test_two_clicks_at_once_cancel_once(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 18)["booking"]
    answers: list[Any] = []

    def cancel() -> None:
        client = client_of(cast.student.user)
        headers: dict[str, Any] = {"Idempotency-Key": "click"}
        answers.append(
            client.post(f"/api/v1/bookings/{booking['id']}/cancel", {"reason": "ill"}, format="json", headers=headers)
        )
        connection.close()

    clicks = [threading.Thread(target=cancel) for _ in range(3)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 1
    assert set(statuses) <= {200, 409}
    assert student_api.get(f"bookings/{booking['id']}")["student_credit_cents"] == 12_000
    assert student_api.get("payments/credits/balance")["available_cents"] == 12_000
