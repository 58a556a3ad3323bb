"""Stories told through HTTP, against the real sandbox: what a client of the API sees from booking to refund."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from bookings import operations
from bookings.models import Booking
from common import clock
from common.actors import job
from tests.support.cast import Cast, make_cast, soon

from .conftest import client_of

HOUR = timedelta(hours=1)


class Api:
    """Somebody at the API."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._checked(self.client.get(f"/api/v1/{path}", query), status)

    def post(self, path: str, status: int = 200, *, key: str | None = None, **body: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._checked(self.client.post(f"/api/v1/{path}", body, format="json", headers=headers), status)

    def patch(self, path: str, status: int = 200, **body: Any) -> Any:
        return self._checked(self.client.patch(f"/api/v1/{path}", body, format="json"), status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._checked(self.client.delete(f"/api/v1/{path}"), status)

    def _checked(self, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        return response.json() if response.content else None


@pytest.fixture
def cast(house: None) -> Cast:
    return make_cast(clock.now())


@pytest.fixture
def student_api(cast: Cast) -> Api:
    return Api(client_of(cast.student.user))


@pytest.fixture
def instructor_api(cast: Cast) -> Api:
    return Api(client_of(cast.instructor.user))


@pytest.fixture
def staff_api(cast: Cast) -> Api:
    return Api(client_of(cast.staff.user))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let the doors open at another instant; Stripe's sandbox keeps its own time."""

    def move(instant: datetime) -> None:
        monkeypatch.setattr("bookings.api.base.clock.now", lambda: instant)

    return move


def lesson(cast: Cast, starts_at: datetime, **other: Any) -> dict[str, Any]:
    service = cast.instructor.services[0]
    return {
        "service_id": service.pk,
        "starts_at": starts_at.isoformat(),
        "duration_minutes": 60,
        "location_type": "online",
        **other,
    }


def booked(cast: Cast, api: Api, hours: float, **check_out: Any) -> dict[str, Any]:
    booking = api.post("bookings", 201, **lesson(cast, soon(hours)))
    answer: dict[str, Any] = api.post("payments/checkout", booking_id=booking["id"], **check_out)
    return answer


def test_from_the_price_to_a_confirmed_lesson(cast: Cast, student_api: Api, instructor_api: Api) -> None:
    wanted = lesson(cast, soon(48))

    price = student_api.post("pricing/preview", **wanted)
    assert {key: price[key] for key in price if key != "line_items"} == {
        "base_price_cents": 12_000,
        "student_fee_cents": 1_440,
        "instructor_platform_fee_cents": 1_440,
        "target_instructor_payout_cents": 10_560,
        "credit_applied_cents": 0,
        "student_pay_cents": 13_440,
        "application_fee_cents": 2_880,
        "top_up_transfer_cents": 0,
        "commission_bps": 1_200,
    }
    assert sum(item["amount_cents"] for item in price["line_items"]) == price["student_pay_cents"]

    assert student_api.post("bookings/check-availability", **wanted)["available"] is True
    booking = student_api.post("bookings", 201, **wanted)
    assert (booking["status"], booking["payment_status"]) == ("PENDING", "payment_method_required")
    assert booking["client_secret"].startswith("seti_")
    assert student_api.post("bookings/check-availability", **wanted)["code"] == "booking_conflict"

    answer = student_api.post("payments/checkout", booking_id=booking["id"])
    assert (answer["requires_action"], answer["client_secret"]) == (False, None)
    assert (answer["booking"]["status"], answer["booking"]["payment_status"]) == ("CONFIRMED", "scheduled")
    again = student_api.post("payments/checkout", booking_id=booking["id"])
    assert again["booking"] == answer["booking"] == student_api.get(f"bookings/{booking['id']}")

    assert [one["id"] for one in instructor_api.get("instructor/bookings/upcoming")["results"]] == [booking["id"]]
    kinds = [event["kind"] for event in student_api.get(f"bookings/{booking['id']}/timeline")["results"]]
    assert kinds[0] == "booking_created"
    assert "booking_confirmed" in kinds


def test_booking_twice_with_one_key_books_once(cast: Cast, student_api: Api) -> None:
    wanted = lesson(cast, soon(48))
    first = student_api.post("bookings", 201, key="book-1", **wanted)
    second = student_api.post("bookings", 201, key="book-1", **wanted)

    assert first == second
    assert Booking.objects.count() == 1


def test_a_lesson_is_booked_by_the_clock_on_the_wall(cast: Cast, student_api: Api) -> None:
    start = lesson(cast, soon(48))
    del start["starts_at"]
    gap = student_api.post("bookings", 422, **start, local_start="2027-03-14T02:30", timezone="America/New_York")
    summer = student_api.post("bookings", 201, **start, local_start="2027-03-14T03:30", timezone="America/New_York")

    assert gap["code"] == "invalid_local_time"
    assert (summer["starts_at"], summer["timezone"]) == ("2027-03-14T07:30:00Z", "America/New_York")


IMPOSSIBLE: list[tuple[dict[str, Any], int, str]] = [
    ({"service_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 404, "not_found"),
    ({"starts_at": "2020-01-01T12:00:00Z"}, 422, "starts_in_past"),
    ({"duration_minutes": 7}, 422, "duration_not_offered"),
    ({"location_type": "student_location"}, 400, "invalid"),
    ({"starts_at": "2027-03-01T12:00:00"}, 400, "invalid"),
]


def test_a_lesson_that_cannot_be_is_refused_and_nothing_is_written(cast: Cast, student_api: Api) -> None:
    for wrong, status, code in IMPOSSIBLE:
        problem = student_api.post("bookings", status, **(lesson(cast, soon(48)) | wrong))
        assert problem["code"] == code, wrong

    assert not Booking.objects.exists()


def test_a_declined_card_is_402_and_another_card_pays(cast: Cast, student_api: Api) -> None:
    booking = student_api.post("bookings", 201, **lesson(cast, soon(10)))
    problem = student_api.post(
        "payments/checkout", 402, booking_id=booking["id"], payment_method_id="pm_card_chargeCustomerFail"
    )
    assert problem["code"] == "card_declined"
    assert problem["decline_code"]
    assert student_api.get(f"bookings/{booking['id']}")["status"] == "PENDING"

    answer = student_api.post("payments/checkout", booking_id=booking["id"], payment_method_id="pm_card_visa")
    assert answer["booking"]["payment_status"] == "authorized"


def test_a_bank_that_asks_is_200_with_a_secret(cast: Cast, student_api: Api) -> None:
    booking = student_api.post("bookings", 201, **lesson(cast, soon(10)))
    answer = student_api.post(
        "payments/checkout", booking_id=booking["id"], payment_method_id="pm_card_threeDSecure2Required"
    )

    assert answer["requires_action"] is True
    assert answer["client_secret"].startswith("pi_")
    assert answer["booking"]["status"] == "PENDING"


def test_cancelling_at_six_hours_costs_what_the_quote_says(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 6)["booking"]
    path = f"bookings/{booking['id']}"
    quote = student_api.get(f"{path}/cancellation-quote")
    assert (quote["window"], quote["terms_change_at"]) == ("last_minute", None)

    cancelled = student_api.post(f"{path}/cancel", reason="ill", quote_id=quote["quote_id"])
    assert cancelled["status"] == "CANCELLED"
    assert cancelled["settlement_outcome"] == quote["outcome"] == "student_cancel_lt12_split_50_50"
    assert cancelled["student_credit_cents"] == quote["credit_back_cents"] == 6_000
    assert cancelled["instructor_payout_cents"] == quote["instructor_payout_cents"] == 5_280
    assert cancelled["card_charged_cents"] == quote["card_charged_cents"] == 13_440
    wallet = student_api.get("payments/credits")
    assert [(lot["amount_cents"], lot["source"]) for lot in wallet["lots"]] == [(6_000, "cancel_lt12")]
    assert quote["credit_lots"][0]["is_new"] is True
    assert student_api.get("payments/credits/balance") == {
        "available_cents": 6_000,
        "reserved_cents": 0,
        "frozen_cents": 0,
    }
    assert student_api.post(f"{path}/cancel", reason="again") == cancelled


def test_a_quote_that_no_longer_holds_is_asked_about_again(cast: Cast, student_api: Api, at: Any) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    path, starts_at = f"bookings/{booking['id']}", datetime.fromisoformat(booking["starts_at"])
    quote = student_api.get(f"{path}/cancellation-quote")
    assert quote["outcome"] == "student_cancel_gt24_no_charge"
    assert datetime.fromisoformat(quote["terms_change_at"]) == starts_at - 24 * HOUR

    at(starts_at - 24 * HOUR + timedelta(seconds=1))
    problem = student_api.post(f"{path}/cancel", 409, reason="ill", quote_id=quote["quote_id"])
    assert problem["code"] == "quote_expired"
    assert problem["quote"]["outcome"] == "student_cancel_12_24_full_credit"
    assert student_api.get(path)["status"] == "CONFIRMED"
    forged = student_api.post(f"{path}/cancel", 400, reason="ill", quote_id=quote["quote_id"] + "x")
    assert list(forged["errors"]) == ["quote_id"]


def test_credits_pay_and_the_quote_gives_them_back(cast: Cast, student_api: Api, instructor_api: Api) -> None:
    from tests.support.factories import give_credit

    give_credit(cast.student.user, 2_000, now=clock.now())
    booking = student_api.post("bookings", 201, **lesson(cast, soon(48)))
    price = student_api.get(f"bookings/{booking['id']}/pricing", requested_credit_cents=5_000)
    assert (price["credit_applied_cents"], price["student_pay_cents"]) == (2_000, 11_440)
    instructor_api.get(f"bookings/{booking['id']}/pricing", 403)

    paid = student_api.post("payments/checkout", booking_id=booking["id"], requested_credit_cents=5_000)["booking"]
    assert (paid["credits_reserved_cents"], paid["card_amount_cents"]) == (2_000, 11_440)
    quote = student_api.get(f"bookings/{booking['id']}/cancellation-quote")
    assert (quote["card_charged_cents"], quote["credit_back_cents"]) == (0, 2_000)
    assert [(lot["amount_cents"], lot["is_new"]) for lot in quote["credit_lots"]] == [(2_000, False)]
    seen = instructor_api.get(f"bookings/{booking['id']}/cancellation-quote")
    assert set(seen) == {"quote_id", "window", "outcome", "instructor_payout_cents", "terms_change_at"}


def test_a_lesson_moves_freely_and_answers_the_new_one(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    quote = student_api.get(f"bookings/{booking['id']}/reschedule-quote")
    assert (quote["kind"], quote["card_charged_cents"]) == ("free", 0)

    moved = student_api.post(
        f"bookings/{booking['id']}/reschedule", starts_at=soon(72).isoformat(), quote_id=quote["quote_id"]
    )
    old = student_api.get(f"bookings/{booking['id']}")
    assert (moved["status"], old["status"]) == ("CONFIRMED", "CANCELLED")
    assert (moved["rescheduled_from_id"], old["rescheduled_to_id"]) == (old["id"], moved["id"])
    history = student_api.get(f"bookings/{moved['id']}/timeline")["results"]
    assert {event["booking_id"] for event in history} == {old["id"], moved["id"]}


def test_moving_late_locks_once(cast: Cast, student_api: Api, instructor_api: Api) -> None:
    booking = booked(cast, student_api, 18)["booking"]
    assert student_api.get(f"bookings/{booking['id']}/reschedule-quote")["kind"] == "lock"
    moved = student_api.post(f"bookings/{booking['id']}/reschedule", starts_at=soon(72).isoformat())

    assert (moved["payment_status"], moved["has_locked_funds"]) == ("locked", True)
    assert (moved["locked_amount_cents"], moved["late_reschedule_used"]) == (13_440, True)
    assert moved["original_starts_at"] == booking["starts_at"]
    refused = student_api.post(f"bookings/{moved['id']}/reschedule", 422, starts_at=soon(96).isoformat())
    assert refused["code"] == "reschedule_locked"
    assert "locked_amount_cents" not in instructor_api.get(f"bookings/{moved['id']}")


@pytest.mark.parametrize("path", ["bookings/{id}/complete", "instructor/bookings/{id}/complete"])
def test_completing_is_one_thing_with_two_addresses(
    cast: Cast, student_api: Api, instructor_api: Api, at: Any, path: str
) -> None:
    booking = booked(cast, student_api, 6)["booking"]
    path = path.format(id=booking["id"])
    assert instructor_api.post(path, 422)["code"] == "lesson_not_ended"
    assert student_api.post(path, 403)["code"] == "permission_denied"

    at(datetime.fromisoformat(booking["ends_at"]))
    assert [one["id"] for one in instructor_api.get("instructor/bookings/pending-completion")["results"]]
    done = instructor_api.post(path, note="Scales went well.")
    assert (done["status"], done["payment_status"]) == ("COMPLETED", "authorized")
    assert done["completed_at"] == booking["ends_at"]
    assert instructor_api.get("instructor/bookings/pending-completion")["results"] == []
    assert [one["id"] for one in instructor_api.get("instructor/bookings/completed")["results"]] == [booking["id"]]


def test_a_no_show_is_reported_disputed_and_decided(
    cast: Cast, student_api: Api, instructor_api: Api, staff_api: Api, at: Any
) -> None:
    booking = booked(cast, student_api, 6)["booking"]
    path, starts_at = f"bookings/{booking['id']}", datetime.fromisoformat(booking["starts_at"])
    early = student_api.post(f"{path}/no-show", 422, no_show_type="instructor", reason="Nobody came.")
    assert early["code"] == "no_show_window_closed"

    at(starts_at + HOUR / 2)
    report = student_api.post(f"{path}/no-show", no_show_type="instructor", reason="Nobody came.")
    assert report["booking"]["payment_status"] == "manual_review"
    assert report["booking"]["no_show"]["dispute_window_ends"] == report["dispute_window_ends"]
    assert datetime.fromisoformat(report["dispute_window_ends"]) == starts_at + HOUR / 2 + 24 * HOUR
    disputed = instructor_api.post(f"{path}/no-show/dispute", reason="I was there all the time.")
    assert disputed["no_show"]["dispute_reason"] == "I was there all the time."

    decision: dict[str, Any] = {"resolution": "confirmed_after_review", "reason": "The camera was off."}
    assert student_api.post(f"admin/{path}/no-show/resolve", 403, **decision)["code"] == "permission_denied"
    resolved = staff_api.post(f"admin/{path}/no-show/resolve", **decision)
    assert (resolved["status"], resolved["settlement_outcome"]) == ("NO_SHOW", "instructor_no_show_full_refund")
    assert resolved["no_show"]["resolution"] == "confirmed_after_review"


def test_support_refunds_a_part_and_cancels(cast: Cast, student_api: Api, staff_api: Api, at: Any) -> None:
    booking = booked(cast, student_api, 6)["booking"]
    at(datetime.fromisoformat(booking["ends_at"]) + 25 * HOUR)
    ended = datetime.fromisoformat(booking["ends_at"]) + 25 * HOUR
    operations.capture_lesson(booking_id=booking["id"], actor=job("test"), now=ended)

    answer = staff_api.post(f"admin/refunds/{booking['id']}/refund", reason="platform_error", amount_cents=1_000)
    assert answer["refund_id"].startswith("re_")
    assert answer["booking"]["refunded_to_card_cents"] == 1_000

    other = booked(cast, student_api, 50)["booking"]
    cancelled = staff_api.post(f"admin/bookings/{other['id']}/cancel", reason="storm", refund=True)
    assert (cancelled["status"], cancelled["cancelled_by"]) == ("CANCELLED", "staff")
    assert cancelled["settlement_outcome"] == "admin_refund"


def test_the_card_can_be_changed_by_either_name(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 48)["booking"]
    card = student_api.post("payments/methods", 201, payment_method_id="pm_card_mastercard")
    changed = student_api.patch(f"bookings/{booking['id']}/payment-method", payment_method_id=card["id"])
    assert (changed["payment_status"], changed["requires_action"]) == ("scheduled", False)
    student_api.post(f"bookings/{booking['id']}/confirm-payment", payment_method_id=card["id"], set_as_default=True)

    cards = student_api.get("payments/methods")["results"]
    assert {one["brand"]: one["is_default"] for one in cards} == {"mastercard": True, "visa": False}
    assert student_api.delete(f"payments/methods/{card['id']}", 422)["code"] == "payment_method_in_use"
    visa = next(one for one in cards if one["brand"] == "visa")
    assert student_api.post(f"payments/methods/{visa['id']}/default")["is_default"] is True
    student_api.delete(f"payments/methods/{visa['id']}")
    assert [one["id"] for one in student_api.get("payments/methods")["results"]] == [card["id"]]
    student_api.delete(f"payments/methods/{visa['id']}", 404)


def test_cards_are_saved_by_the_browser_or_by_name(student_api: Api, instructor_api: Api) -> None:
    setup = student_api.post("payments/setup-intent")
    assert setup["client_secret"].startswith(setup["setup_intent_id"])
    unknown = student_api.post("payments/methods", 400, payment_method_id="pm_nothing")
    assert unknown["code"] == "unknown_payment_method"
    assert instructor_api.post("payments/setup-intent", 403)["code"] == "permission_denied"


def test_an_instructor_sets_up_their_account(cast: Cast, instructor_api: Api, student_api: Api) -> None:
    status = instructor_api.get("payments/connect/status")
    assert status["charges_enabled"] is True
    assert instructor_api.post("payments/connect/onboard")["url"].startswith("http")
    assert instructor_api.post("payments/connect/dashboard")["url"].startswith("http")
    student_api.get("payments/connect/status", 403)


def test_free_times_are_public_and_a_booked_one_is_gone(cast: Cast, anybody: APIClient, student_api: Api) -> None:
    starts_at = soon(48).replace(minute=0)
    path, day = f"instructors/{cast.instructor.user.pk}/availability", starts_at.date()
    period: dict[str, Any] = {"from": str(day - timedelta(days=1)), "to": str(day + timedelta(days=1))}
    instant = starts_at.isoformat().replace("+00:00", "Z")

    assert instant in Api(anybody).get(path, **period)["slots"]
    student_api.post("bookings", 201, **lesson(cast, starts_at))
    assert instant not in Api(anybody).get(path, **period)["slots"]
    Api(anybody).get("instructors/01ARZ3NDEKTSV4RRFFQ69G5FAV/availability", 404, **period)
    Api(anybody).get(path, 400)


def test_somebody_elses_booking_is_not_there(cast: Cast, student_api: Api, anybody: APIClient) -> None:
    from tests.support.factories import UserFactory

    booking = booked(cast, student_api, 48)["booking"]
    stranger, path = Api(client_of(UserFactory.create())), f"bookings/{booking['id']}"
    for address in (path, f"{path}/pricing", f"{path}/timeline", f"{path}/cancellation-quote"):
        assert stranger.get(address, 404)["code"] == "not_found"
    assert stranger.post(f"{path}/cancel", 404, reason="mine")["code"] == "not_found"
    assert stranger.post("payments/checkout", 404, booking_id=booking["id"])["code"] == "not_found"
    assert stranger.get("bookings")["results"] == []
    Api(anybody).get(path, 401)
