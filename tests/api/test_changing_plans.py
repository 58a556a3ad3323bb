"""Cancelled, moved, completed, missed, refunded: what a client of the API sees of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import operations
from common.actors import job
from tests.support.cast import Cast, soon

from .talking import Api, booked

HOUR = timedelta(hours=1)


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
