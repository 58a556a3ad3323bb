"""Credits as lots: what is reserved first, what is given back first, and what a split keeps (policy 8)."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from accounts.models import User
from credits import operations, queries
from credits.models import CreditEntry, CreditLot
from tests.support.factories import NOON, UserFactory, give_credit

Kind = CreditEntry.Kind
GOODWILL, MILESTONE = CreditLot.Source.GOODWILL, CreditLot.Source.MILESTONE
DAY = timedelta(days=1)


@pytest.fixture
def student(database: None) -> User:
    return UserFactory.create()


def kinds(entries: list[CreditEntry]) -> list[tuple[str, int]]:
    return [(str(entry.kind), entry.amount_cents) for entry in entries]


@transaction.atomic
def reserve(student: User, cents: int, payment: str = "p1", now: object = NOON) -> operations.Reservation:
    return operations.reserve(owner_id=student.pk, payment_id=payment, up_to_cents=cents, now=now)  # type: ignore[arg-type]


def states(student: User) -> dict[str, int]:
    totals = queries.totals(student.pk)
    assert queries.check_user(student.pk) == []
    parts = ("available", "reserved", "consumed", "forfeited", "expired", "frozen", "revoked")
    return {part: getattr(totals, part) for part in parts if getattr(totals, part)}


def test_what_expires_first_is_reserved_first(student: User) -> None:
    late = give_credit(student, 1000, days=90)
    soon = give_credit(student, 500, days=10)
    same_day_but_older = give_credit(student, 700, days=91, now=NOON - DAY)
    reservation = reserve(student, 1300)
    assert reservation.reserved_cents == 1300
    assert [entry.lot_id for entry in reservation.entries[:2]] == [soon.pk, same_day_but_older.pk]
    part = reservation.entries[2].lot
    assert (part.amount_cents, part.split_from_id) == (100, late.pk)
    assert states(student) == {"available": 900, "reserved": 1300}


def test_a_split_keeps_expiry_source_origin_and_age(student: User) -> None:
    lot = give_credit(student, 1000, source=MILESTONE, issue_key="milestone:x:5", origin_payment_id="p0")
    reserve(student, 300)
    with transaction.atomic():
        operations.release(payment_id="p1", up_to_cents=100, now=NOON)
    parts = list(CreditLot.objects.order_by("amount_cents"))
    assert [part.amount_cents for part in parts] == [100, 200, 700]
    for part in parts:
        kept = (part.expires_at, part.source, part.created_at, part.origin_payment_id, part.owner_id)
        assert kept == (lot.expires_at, MILESTONE, NOON, "p0", student.pk)
    assert [(part.issue_key, part.split_from_id) for part in parts] == [
        (None, lot.pk),
        (None, lot.pk),
        ("milestone:x:5", None),
    ]


def test_no_more_is_reserved_than_there_is(student: User) -> None:
    give_credit(student, 1000)
    assert reserve(student, 5000).reserved_cents == 1000
    assert reserve(student, 1, payment="p2").reserved_cents == 0
    assert queries.available_cents(user_id=student.pk, now=NOON) == 0


def test_reserving_again_for_the_same_payment_is_the_same_reservation(student: User) -> None:
    give_credit(student, 1000)
    reserve(student, 400)
    again = reserve(student, 1000)
    assert (again.reserved_cents, again.entries) == (400, [])
    assert states(student) == {"available": 600, "reserved": 400}


def test_credit_past_its_date_cannot_be_reserved_even_before_the_job_marks_it(student: User) -> None:
    give_credit(student, 1000, days=1)
    assert reserve(student, 500, now=NOON + DAY - timedelta(microseconds=1)).reserved_cents == 500
    assert reserve(student, 500, payment="p2", now=NOON + DAY).reserved_cents == 0
    assert queries.available_cents(user_id=student.pk, now=NOON + DAY) == 0
    assert [lot.status for lot in queries.lots_of(user_id=student.pk, now=NOON + DAY)] == ["reserved"]


def test_what_expires_last_is_released_first_and_the_rest_is_forfeited(student: User) -> None:
    give_credit(student, 500, days=10)
    late = give_credit(student, 1000, days=90)
    reserve(student, 1500)
    with transaction.atomic():
        released = operations.release(payment_id="p1", up_to_cents=600, now=NOON)
        forfeited = operations.forfeit(payment_id="p1", now=NOON)
    assert kinds(released) == [("release", 600)]
    assert released[0].lot.expires_at == late.expires_at
    assert sorted(kinds(forfeited)) == [("forfeit", 400), ("forfeit", 500)]
    assert states(student) == {"available": 600, "forfeited": 900}


def test_released_past_its_date_it_expires_at_once(student: User) -> None:
    give_credit(student, 500, days=1)
    give_credit(student, 1000, days=90)
    reserve(student, 1500)
    with transaction.atomic():
        entries = operations.release(payment_id="p1", now=NOON + 2 * DAY)
    assert kinds(entries) == [("release", 1000), ("release", 500), ("expire", 500)]
    assert states(student) == {"available": 1000, "expired": 500}


@pytest.mark.parametrize(("late_by", "state"), [(timedelta(microseconds=-1), "available"), (timedelta(), "expired")])
def test_the_date_itself_is_too_late(student: User, late_by: timedelta, state: str) -> None:
    lot = give_credit(student, 500, days=1)
    reserve(student, 500)
    with transaction.atomic():
        operations.release(payment_id="p1", now=lot.expires_at + late_by)
    assert states(student) == {state: 500}
    if state == "available":
        with transaction.atomic():
            assert operations.expire_due(now=lot.expires_at + late_by) == []
            assert kinds(operations.expire_due(now=lot.expires_at)) == [("expire", 500)]


def test_consumed_credit_is_gone_and_consuming_twice_is_consuming_once(student: User) -> None:
    give_credit(student, 1000)
    reserve(student, 400)
    with transaction.atomic():
        assert kinds(operations.consume(payment_id="p1", now=NOON)) == [("consume", 400)]
        assert operations.consume(payment_id="p1", now=NOON) == []
        assert operations.release(payment_id="p1", now=NOON) == []
        assert operations.forfeit(payment_id="p1", now=NOON) == []
    assert states(student) == {"available": 600, "consumed": 400}


def test_the_wallet_shows_live_lots_and_what_each_payment_holds(student: User) -> None:
    give_credit(student, 500, days=10)
    give_credit(student, 1000, days=90)
    reserve(student, 200, payment="p1")
    reserve(student, 400, payment="p2")
    wallet = queries.balance(user_id=student.pk, now=NOON)
    assert (wallet.available_cents, wallet.reserved_cents, wallet.frozen_cents) == (900, 600, 0)
    assert wallet.reserved_by_payment == {"p1": 200, "p2": 400}
    expiries = [lot.expires_at for lot in wallet.lots]
    assert expiries == sorted(expiries)
    assert queries.reserved_cents(payment_id="p2") == 400


def test_the_daily_job_marks_what_is_due_in_batches(student: User) -> None:
    for days in (1, 1, 2, 3):
        give_credit(student, 100, days=days)
    give_credit(UserFactory.create(), 100, days=1)
    marked = []
    with transaction.atomic():
        while batch := operations.expire_due(now=NOON + 2 * DAY, limit=2):
            assert len(batch) <= 2
            marked += kinds(batch)
    assert marked == [("expire", 100)] * 4
    assert states(student) == {"available": 100, "expired": 300}


def test_reserved_credit_does_not_expire(student: User) -> None:
    give_credit(student, 100, days=1)
    reserve(student, 100)
    with transaction.atomic():
        assert operations.expire_due(now=NOON + 9 * DAY) == []
        operations.consume(payment_id="p1", now=NOON + 9 * DAY)
    assert states(student) == {"consumed": 100}


def test_nothing_moves_outside_a_transaction(student: User) -> None:
    with pytest.raises(TransactionManagementError, match="caller's transaction"):
        operations.reserve(owner_id=student.pk, payment_id="p1", up_to_cents=1, now=NOON)
    for operation in (operations.release, operations.consume, operations.forfeit):
        with pytest.raises(TransactionManagementError):
            operation(payment_id="p1", now=NOON)
    with pytest.raises(TransactionManagementError):
        operations.expire_due(now=NOON)


@pytest.mark.parametrize("cents", [-1, -1000])
def test_negative_amounts_are_programming_errors(student: User, cents: int) -> None:
    give_credit(student, 1000)
    with pytest.raises(ValueError, match="negative"):
        reserve(student, cents)
    reserve(student, 500)
    with pytest.raises(ValueError, match="negative"), transaction.atomic():
        operations.release(payment_id="p1", up_to_cents=cents, now=NOON)
    assert states(student) == {"available": 500, "reserved": 500}


def test_a_cent_that_went_missing_is_found(student: User) -> None:
    lot = give_credit(student, 1000)
    CreditLot.objects.filter(pk=lot.pk).update(amount_cents=999)
    assert "1000 cents issued, 999 accounted for" in queries.check_user(student.pk)[0]
    CreditLot.objects.filter(pk=lot.pk).update(amount_cents=1000, status="consumed", reserved_for="p1")
    assert queries.check_everybody() == [f"{student.pk}: entries say 0 cents consumed, lots say 1000"]
