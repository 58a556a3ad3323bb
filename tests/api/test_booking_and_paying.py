"""From the price to a paid lesson, through HTTP and against the real sandbox; and what is refused on the way."""

from datetime import timedelta
from typing import Any

from rest_framework.test import APIClient

from bookings.models import Booking
from common import clock
from tests.support.cast import Cast, soon
from tests.support.factories import UserFactory, give_credit

from .conftest import client_of
from .talking import Api, booked, lesson


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


def test_credits_pay_and_the_quote_gives_them_back(cast: Cast, student_api: Api, instructor_api: Api) -> None:
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
    booking = booked(cast, student_api, 48)["booking"]
    stranger, path = Api(client_of(UserFactory.create())), f"bookings/{booking['id']}"
    for address in (path, f"{path}/pricing", f"{path}/timeline", f"{path}/cancellation-quote"):
        assert stranger.get(address, 404)["code"] == "not_found"
    assert stranger.post(f"{path}/cancel", 404, reason="mine")["code"] == "not_found"
    assert stranger.post("payments/checkout", 404, booking_id=booking["id"])["code"] == "not_found"
    assert stranger.get("bookings")["results"] == []
    Api(anybody).get(path, 401)
