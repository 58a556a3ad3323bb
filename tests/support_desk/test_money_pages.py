"""The ledger with running balances and as a file; rates with a history, never touching what is booked."""

import csv
from datetime import datetime, timedelta
from itertools import islice

import pytest
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from bookings.models import RateChange, rates_at
from bookings.operations import preview_price
from bookings.operations.upkeep import evaluate_instructor
from bookings.policy.rates import DEFAULT
from catalog.models import InstructorProfile
from common import clock
from payments import ledger
from support import money as books
from support.models import DeskAction
from tests.support.cast import Cast, money_of, soon
from tests.support.factories import NOON

from .conftest import browser_of, member
from .test_desk_pages import form_of


def post(number: int, at: datetime, cents: int) -> None:
    ledger.post(
        key=f"test:{number}",
        kind="test",
        at=at,
        memo="=1+1",
        lines=[ledger.Line(ledger.BANK, cents), ledger.Line(ledger.CARD, -cents)],
    )


def test_the_ledger_shows_running_balances_of_a_period(database: None) -> None:
    for number in range(6):
        post(number, NOON + timedelta(days=number), 100 * (number + 1))
    period = books.period_of({"account": "bank", "since": "2027-03-03", "until": "2027-03-05"})
    rows, opening, more = books.page_of_lines(period, 0)
    assert (opening, more) == (300, False)
    assert [(row["amount_cents"], row["balance_cents"]) for row in rows] == [(300, 600), (400, 1000), (500, 1500)]
    assert [row["balance_cents"] for row in books.page_of_lines(period, 2)[0]] == [1500]
    address = reverse("admin:desk_ledger")
    browser = browser_of(member("read-only"))
    for odd in ({"since": "2027-13-99"}, {"account": "\x00"}, {"from": "-1"}, {"since": "x" * 500}):
        assert browser.get(address, odd).status_code == 200
    answer = browser.get(address, {"account": "bank", "csv": "1"})
    lines = list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))  # type: ignore[attr-defined]
    assert lines[0] == list(books.COLUMNS)
    assert [line[7] for line in lines[1:]] == ["100", "300", "600", "1000", "1500", "2100"]
    assert lines[1][3] == "'=1+1"


def test_the_file_is_read_in_chunks(database: None) -> None:
    with connection.cursor() as cursor:  # 10,000 lines, quickly
        cursor.execute(
            "INSERT INTO payments_ledgerentry (id, key, kind, payment_id, movement_id, at, memo)"
            " SELECT lpad(n::text, 26, '0'), 'bulk:' || n, 'test', '', '', now(), '' FROM generate_series(1, 5000) n"
        )
        cursor.execute(
            "INSERT INTO payments_ledgerline (entry_id, account, amount_cents, stripe_source)"
            " SELECT lpad(n::text, 26, '0'), account, cents, '' FROM generate_series(1, 5000) n,"
            " (VALUES ('bank', 1), ('card', -1)) AS side(account, cents)"
        )
    rows = books.csv_lines(books.Period())
    assert len(list(islice(rows, 3))) == 3
    assert sum(1 for _ in rows) == 9_998


# --- Rates -----------------------------------------------------------------------------------------------------------
NEW = {
    "student_fee_bps": 1000, "base_bps": 1400, "middle_bps": 1100, "best_bps": 900, "floor_in_person_cents": 9000,
    "floor_online_cents": 6000,
}  # fmt: skip


def test_finance_changes_rates_from_a_date_on_and_bookings_keep_theirs(cast: Cast, now: datetime) -> None:
    booked = cast.book(soon(60), now=now)
    before = money_of(booked)
    begins = now + timedelta(days=1)
    browser = browser_of(member("finance"))
    address = reverse("admin:desk_act", args=["rates", "next"])
    given = {**NEW, "effective_from": f"{begins:%Y-%m-%d %H:%M:%S}", "reason": "A better offer"}
    shown = browser.post(address, {"step": "show", **given})
    assert not RateChange.objects.exists()
    for _ in range(2):
        browser.post(address, form_of(shown.content.decode()))
    change = RateChange.objects.get()
    assert (change.values.student_fee_bps, change.reason) == (1000, "A better offer")
    assert rates_at(now) == DEFAULT
    assert rates_at(begins) == change.values

    def price(at: datetime) -> int:
        return preview_price(
            actor=cast.as_student,
            service_id=cast.instructor.services[0].pk,
            starts_at=soon(80),
            duration_minutes=60,
            location_type="online",
            requested_credit_cents=0,
            now=at,
        ).student_fee_cents

    assert (price(now), price(begins)) == (1440, 1200)
    assert money_of(booked) == before
    booked.payment.refresh_from_db()
    assert booked.payment.student_fee_cents == 1440
    InstructorProfile.objects.update(commission_bps=1500)
    assert evaluate_instructor(cast.instructor.user.pk, begins) == "1500 to 1400"
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        RateChange.objects.update(student_fee_bps=0)


@pytest.mark.parametrize(
    "wrong", [{"effective_from": "2020-01-01 00:00"}, {"middle_bps": 1450}, {"student_fee_bps": -1}, {"base_bps": "x"}]
)
def test_rates_that_cannot_be_are_refused(database: None, wrong: dict[str, object]) -> None:
    browser = browser_of(member("finance"))
    given = {**NEW, "effective_from": f"{clock.now() + timedelta(days=1):%Y-%m-%d %H:%M}", "reason": "x", **wrong}
    answer = browser.post(reverse("admin:desk_act", args=["rates", "next"]), {"step": "do", "key": "0" * 26, **given})
    assert answer.status_code == 200
    assert not RateChange.objects.exists()
    assert not DeskAction.objects.exists()
