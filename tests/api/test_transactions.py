"""The student's money line by line: what the card paid and got back, what credit came and went; as pages and as a file."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import jobs, operations
from bookings.models import Booking
from catalog.models import Service
from common import clock
from payments import ledger
from payments.models import Payment
from tests.stories.acts import DAY
from tests.support.cast import HOUR, Cast, soon
from tests.support.factories import UserFactory, give_credit

from .conftest import client_of
from .talking import Api, booked
from .test_booking_documents import make_booking


def lines(api: Api, **query: Any) -> list[tuple[str, int]]:
    return [(one["kind"], one["amount_cents"]) for one in api.get("payments/transactions", **query)["results"]]


def test_a_given_lesson_a_refund_and_a_late_cancellation(
    cast: Cast, student_api: Api, staff_api: Api, instructor_api: Api, at: Any
) -> None:
    now = clock.now()
    give_credit(cast.student.user, 2_000, now=now)
    given = cast.lesson(soon(6), now=now, credits=2_000)
    jobs.capture_completed_lessons(given.ends_at + DAY)
    at(given.ends_at + 2 * DAY)
    staff_api.post(f"admin/refunds/{given.pk}/refund", reason="platform_error", amount_cents=1_000)
    cancelled = cast.lesson(soon(48), now=now)
    operations.cancel_booking(
        booking_id=cancelled.pk, actor=cast.as_student, reason="ill", now=cancelled.starts_at - 18 * HOUR
    )

    seen = sorted(lines(student_api))
    assert seen == sorted(
        [
            ("credit_issued", 2_000),
            ("charge", -11_440),
            ("credit_used", -2_000),
            ("refund", 1_000),
            ("charge", -13_440),
            ("credit_issued", 12_000),
        ]
    )
    card = sum(amount for kind, amount in seen if kind in ("charge", "refund"))
    assert card == ledger.balance_of(ledger.CARD)
    rows = student_api.get("payments/transactions")["results"]
    charge = next(row for row in rows if row["amount_cents"] == -11_440)
    assert (charge["booking_id"], charge["paid_with"]) == (given.pk, "card")
    assert charge["what_for"] == f"Piano with {cast.instructor.user.public_name}"
    issued = next(row for row in rows if row["amount_cents"] == 12_000)
    assert (issued["reason"], issued["booking_id"]) == ("cancel_12_24", cancelled.pk)
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)

    receipt = student_api.get(f"bookings/{given.pk}/receipt")
    assert receipt["card_charged_cents"] - receipt["refunded_to_card_cents"] == 10_440
    assert (receipt["credits_used_cents"], receipt["price"]["student_pay_cents"]) == (2_000, 11_440)
    assert [row["kind"] for row in receipt["transactions"]] == ["charge", "credit_used", "refund"]
    assert receipt["card"] == "visa 4242"
    assert receipt["settlement_outcome"] == "admin_refund"
    assert student_api.get(f"bookings/{cancelled.pk}/receipt")["credits_issued_cents"] == 12_000
    instructor_api.get(f"bookings/{given.pk}/receipt", 403)
    instructor_api.get("payments/transactions", 403)
    assert staff_api.get(f"bookings/{given.pk}/receipt") == receipt


def test_a_lesson_that_was_moved_is_the_one_it_became(cast: Cast, student_api: Api) -> None:
    booking = booked(cast, student_api, 18)["booking"]
    moved = student_api.post(f"bookings/{booking['id']}/reschedule", starts_at=soon(72).isoformat())
    (charge,) = student_api.get("payments/transactions")["results"]
    assert (charge["kind"], charge["amount_cents"], charge["booking_id"]) == ("charge", -13_440, moved["id"])


# --- Without Stripe: what the books say is what is shown ---------------------------------------------------------------


def charged(student: User, service: Service, number: int, *, at: datetime) -> Payment:
    payment = make_booking(student, service, at + number * 2 * HOUR).payment
    ledger.post(
        key=f"test:{payment.pk}",
        kind="capture",
        payment_id=payment.pk,
        at=at,
        lines=[ledger.Line(ledger.CARD, -100 - number), ledger.Line(ledger.BANK, 100 + number)],
    )
    return payment


def test_pages_of_one_moment_follow_without_gap_or_repeat(student: User, service: Service) -> None:
    now = clock.now()
    for number in range(4):
        charged(student, service, number, at=now)
        give_credit(student, 10 + number, now=now)
    everything = [-100 - n for n in range(4)] + [10 + n for n in range(4)]
    api, seen = Api(client_of(student)), []
    page = api.get("payments/transactions", page_size=3)
    seen += [one["amount_cents"] for one in page["results"]]
    while page["next"]:
        page = client_of(student).get(page["next"]).json()
        seen += [one["amount_cents"] for one in page["results"]]
    assert sorted(seen) == sorted(everything)
    assert len(seen) == 8
    assert list(api.get("payments/transactions", 400, cursor="cD1ub25zZW5zZQ==")["errors"]) == ["cursor"]


def test_one_can_read_back(student: User, service: Service) -> None:
    for number in range(4):
        charged(student, service, number, at=clock.now() - number * HOUR)
    first = Api(client_of(student)).get("payments/transactions", page_size=2)
    second = client_of(student).get(first["next"]).json()
    assert [one["amount_cents"] for one in first["results"] + second["results"]] == [-100, -101, -102, -103]
    assert client_of(student).get(second["previous"]).json()["results"] == first["results"]


def test_nobody_sees_anybody_elses_money(student: User, service: Service) -> None:
    other = UserFactory.create()
    payment = charged(other, service, 0, at=clock.now())
    give_credit(other, 500, now=clock.now())
    assert lines(Api(client_of(student))) == []
    Api(client_of(student)).get(f"bookings/{Booking.objects.get(payment=payment).pk}/receipt", 404)
    assert lines(Api(client_of(other))) == [("credit_issued", 500), ("charge", -100)]


def test_the_file_has_every_line_and_no_formula(student: User, service: Service) -> None:
    service.name = "=HYPERLINK(1)"
    service.save()
    for number in range(3):
        charged(student, service, number, at=clock.now())
    give_credit(student, 1_234, now=clock.now())

    answer = client_of(student).get("/api/v1/payments/transactions", {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["kind"], row["out"], row["in"]) for row in rows] == [
        ("credit_issued", "", "12.34"),
        ("charge", "1.02", ""),
        ("charge", "1.01", ""),
        ("charge", "1.00", ""),
    ]
    assert {row["what_for"] for row in rows} == {"", "'=HYPERLINK(1) with Ina I."}
    assert client_of(student).get("/api/v1/payments/transactions", {"format": "xml"}).status_code == 400


@pytest.mark.parametrize("path", ["payments/transactions", "bookings/{id}/receipt"])
def test_many_lines_take_as_many_queries_as_one(student: User, service: Service, path: str) -> None:
    taken = []
    payment = charged(student, service, 0, at=clock.now())
    address = f"/api/v1/{path.format(id=Booking.objects.get(payment=payment).pk)}"
    for count in (1, 6):
        for number in range(1, count):
            charged(student, service, number, at=clock.now())
            give_credit(student, 100, now=clock.now(), origin_payment_id=payment.pk)
        client = client_of(student)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 12, taken
