"""What an instructor sees of their money: lessons with their totals, CSV, charts, payouts and balance."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from bookings.models import Booking
from catalog.models import Service
from payments.models import InstantPayout, MoneyMovement, MoneyPlan, Payment, Payout
from tests.support.factories import UserFactory

from .conftest import client_of
from .test_booking_documents import make_booking

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = datetime(2027, 3, 1, 15, tzinfo=UTC)
FULL = 10_560


def lesson_on(
    day: int,
    student: User,
    service: Service,
    *,
    payout: int | None = FULL,
    outcome: str = "lesson_completed_full_payout",
) -> Booking:
    """A lesson so many days after the first; settled with that payout the day after, or still to be settled (None)."""
    status = "CANCELLED" if "cancel" in outcome and payout is not None else "CONFIRMED"
    starts_at = FIRST + day * DAY
    booking = make_booking(student, service, starts_at, status=status, holds_slot=status == "CONFIRMED")
    if payout is not None:
        Payment.objects.filter(pk=booking.payment_id).update(  # house: status because rows are made as they would be
            status="settled", settlement_outcome=outcome, settled_at=starts_at + DAY, instructor_payout_cents=payout
        )
    return booking


def taken_back(booking: Booking, cents: int, fee: int) -> None:
    """A staff refund that reversed so much of the transfer and gave so much of the fee back."""
    plan = MoneyPlan.objects.create(
        payment_id=booking.payment_id, booking_id=booking.pk, purpose="refund", actor_role="staff", door="admin",
        decided_at=FIRST, next_attempt_at=FIRST, finished_at=FIRST,
    )  # fmt: skip
    MoneyMovement.objects.create(
        plan=plan, payment_id=booking.payment_id, position=0, kind="refund", amount_cents=cents, status="done",
        idempotency_key=f"refund:{booking.pk}", stripe_id=f"re_{booking.pk}", sent_at=FIRST, done_at=FIRST,
        result={"reversed": cents, "fee_refunded": fee},
    )  # fmt: skip


def paid_out(instructor: User, cents: int, at: datetime, status: str = "paid", **other: Any) -> Payout:
    count = Payout.objects.count()
    return Payout.objects.create(
        id=f"po_{count}", instructor=instructor, stripe_account_id="acct_1", amount_cents=cents, created_at=at,
        arrival_at=at + DAY, read_at=at, **{"method": "standard", "is_automatic": True, "status": status, **other},
    )  # fmt: skip


@pytest.fixture
def teacher(instructor: User) -> APIClient:
    return client_of(instructor)


def read(client: APIClient, path: str, expected: int = 200, /, **query: Any) -> Any:
    answer = client.get(f"/api/v1/instructor/{path}", query)
    assert answer.status_code == expected, answer.content
    return answer.json()


def test_each_lesson_with_its_money_and_the_totals(
    teacher: APIClient, instructor: User, student: User, service: Service
) -> None:
    first, second = lesson_on(0, student, service), lesson_on(1, student, service)
    half = lesson_on(2, student, service, payout=5_280, outcome="student_cancel_lt12_split_50_50")
    refunded = lesson_on(3, student, service, payout=7_920, outcome="admin_refund")
    taken_back(refunded, 3_360, 720)
    lesson_on(4, student, service, payout=0, outcome="student_cancel_gt24_no_charge")  # brought nothing
    waiting = lesson_on(5, student, service, payout=None)
    paid_out(instructor, FULL + 1_000, FIRST + 9 * DAY)
    paid_out(instructor, 50_000, FIRST + 9 * DAY, status="failed")

    answer = read(teacher, "earnings")
    rows = {row["booking_id"]: row for row in answer["results"]}
    assert list(rows) == [one.pk for one in (waiting, refunded, half, second, first)]
    assert {pk: (row["status"], row["net_cents"], row["reversed_cents"]) for pk, row in rows.items()} == {
        first.pk: ("paid", FULL, 0),
        second.pk: ("available", FULL, 0),
        half.pk: ("available", 5_280, 0),
        refunded.pk: ("available", 7_920, 2_640),
        waiting.pk: ("pending", FULL, 0),
    }
    assert (rows[first.pk]["gross_cents"], rows[first.pk]["commission_cents"]) == (12_000, 1_440)
    assert rows[first.pk]["student"] == "Sam S."
    assert answer["totals"] == {
        "lessons": 5,
        "gross_cents": 60_000,
        "commission_cents": 7_200,
        "net_cents": 3 * FULL + 5_280 + 7_920,
        "reversed_cents": 2_640,
        "pending_cents": FULL,
        "available_cents": FULL + 5_280 + 7_920,
        "paid_cents": FULL,
    }
    only = read(teacher, "earnings", status="available")
    assert [row["booking_id"] for row in only["results"]] == [refunded.pk, half.pk, second.pk]
    assert only["totals"]["net_cents"] == only["totals"]["available_cents"] == FULL + 5_280 + 7_920
    period = read(teacher, "earnings", **{"from": "2027-03-02", "to": "2027-03-03"})
    assert [row["booking_id"] for row in period["results"]] == [half.pk, second.pk]


def test_instant_payouts_and_their_fees_count_as_paid(
    teacher: APIClient, instructor: User, student: User, service: Service
) -> None:
    lesson_on(0, student, service)
    payout = paid_out(instructor, FULL - 211, FIRST + 3 * DAY, method="instant", is_automatic=False)
    instant = InstantPayout.objects.create(
        instructor=instructor, stripe_account_id="acct_1", amount_cents=FULL, fee_cents=211, payout=payout,
        decided_at=FIRST, fee_transfer_id="tr_1", concluded_at=FIRST,
    )  # fmt: skip
    assert read(teacher, "earnings")["totals"]["paid_cents"] == FULL
    assert read(teacher, "payouts")["results"][0]["fee_cents"] == 211
    instant.fee_returned_at = FIRST
    instant.save()
    payout.status, payout.failure_code = "failed", "account_closed"
    payout.save()
    assert read(teacher, "earnings")["totals"]["paid_cents"] == 0
    row = read(teacher, "payouts")["results"][0]
    assert (row["status"], row["fee_cents"]) == ("failed", 0)
    assert row["failure_reason"] == "The bank account has been closed. Add another one at Stripe."


def test_csv_is_all_of_it_and_runs_no_formula(teacher: APIClient, student: User, service: Service) -> None:
    service.name = '=HYPERLINK("evil"), "quoted"'
    service.save()
    for day in range(3):
        lesson_on(day, student, service)
    answer: Any = teacher.get("/api/v1/instructor/earnings?format=csv&page_size=1")
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "earnings.csv" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 3
    assert rows[0]["service"] == '\'=HYPERLINK("evil"), "quoted"'
    assert (rows[0]["gross"], rows[0]["net"], rows[0]["status"]) == ("120.00", "105.60", "available")
    assert rows[0]["starts_at"] == "2027-03-03T15:00:00Z"


def test_history_by_week_and_month_in_the_instructors_zone(
    teacher: APIClient, instructor: User, student: User, service: Service
) -> None:
    lesson_on(0, student, service)  # settled on Tuesday, 2 March
    paid_out(instructor, 1_000, datetime(2027, 3, 8, 3, tzinfo=UTC))  # still Sunday the 7th in New York
    paid_out(instructor, 2_000, datetime(2027, 3, 8, 5, tzinfo=UTC))  # Monday the 8th there
    paid_out(instructor, 9_000, datetime(2027, 3, 8, 5, tzinfo=UTC), status="failed")
    weeks = read(teacher, "analytics/payouts", interval="week", **{"from": "2027-03-03", "to": "2027-03-15"})
    assert weeks["timezone"] == "America/New_York"
    assert [tuple(point.values()) for point in weeks["points"]] == [
        ("2027-03-01", FULL, 1_000, 1, 0),
        ("2027-03-08", 0, 2_000, 1, 0),
        ("2027-03-15", 0, 0, 0, 0),
    ]
    months = read(teacher, "analytics/payouts", **{"from": "2027-02-15", "to": "2027-03-31"})
    assert [(point["starts_on"], point["payouts_cents"]) for point in months["points"]] == [
        ("2027-02-01", 0),
        ("2027-03-01", 3_000),
    ]
    for interval in ("week", "month"):
        assert len(read(teacher, "analytics/payouts", interval=interval)["points"]) in (12, 13)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("earnings", {"from": "2027-03-02", "to": "2027-03-01"}),
        ("earnings", {"from": "0001-01-01"}),
        ("earnings", {"status": "lost"}),
        ("earnings", {"format": "xml"}),
        ("earnings", {"cursor": "nonsense"}),
        ("analytics/payouts", {"interval": "day"}),
        ("analytics/payouts", {"from": "2001-01-01", "to": "2027-01-01"}),
        ("analytics/payouts", {"to": "9999-12-31"}),
    ],
)
def test_what_cannot_be_read_is_refused(teacher: APIClient, path: str, query: dict[str, str]) -> None:
    assert read(teacher, path, 400, **query)["code"] == "invalid"


def test_lists_take_as_many_queries_for_many_as_for_one(
    teacher: APIClient, instructor: User, student: User, service: Service
) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            read(teacher, path)
        return len(captured)

    lesson_on(0, student, service)
    paid_out(instructor, FULL, FIRST + 3 * DAY)
    paths = ("earnings", "payouts", "analytics/payouts")
    one = [queries(path) for path in paths]
    for day in range(1, 9):
        lesson_on(day, UserFactory.create(), service)
        paid_out(instructor, 100, FIRST + day * DAY)
    assert [queries(path) for path in paths] == one


def test_money_is_the_instructors_alone(teacher: APIClient, student: User, service: Service) -> None:
    lesson_on(0, student, service)
    other = client_of(UserFactory.create(role="instructor"))
    assert read(other, "earnings")["results"] == []
    assert read(other, "payouts")["results"] == []
    for path in ("earnings", "payouts", "analytics/payouts", "balance"):
        assert read(client_of(student), path, 403)["code"] == "permission_denied"
    assert read(teacher, "balance", 422)["code"] == "not_onboarded"


def test_pages_follow_each_other(teacher: APIClient, student: User, service: Service) -> None:
    lessons = [lesson_on(day, student, service) for day in range(3)]
    page = read(teacher, "earnings", page_size=2)
    rest = teacher.get(page["next"]).json()
    assert [row["booking_id"] for row in (*page["results"], *rest["results"])] == [one.pk for one in lessons[::-1]]
    assert page["totals"] == rest["totals"]
