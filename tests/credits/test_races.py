"""Two checkouts can never spend the same cent; jobs and releases pass each other safely (policy 8, invariant 6)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connection, transaction

from accounts.models import User
from credits import freezing, operations, queries
from tests.support.factories import NOON, UserFactory, give_credit

T = TypeVar("T")


@pytest.fixture
def student(database: None) -> User:
    return UserFactory.create()


def at_once(*works: Callable[[], T]) -> list[T]:
    """Run each piece of work in a transaction and thread of its own, all started together."""
    together = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            together.wait()
            with transaction.atomic():
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def test_two_checkouts_never_reserve_the_same_cent(student: User) -> None:
    give_credit(student, 1000)

    def reserve(payment: str) -> Callable[[], int]:
        return lambda: (
            operations.reserve(owner_id=student.pk, payment_id=payment, up_to_cents=700, now=NOON).reserved_cents
        )

    reserved = at_once(*[reserve(f"p{n}") for n in range(6)])
    assert sorted(reserved) == [0, 0, 0, 0, 300, 700]
    assert queries.check_user(student.pk) == []


def test_a_first_credit_issued_twice_at_once_is_issued_once(student: User) -> None:
    def issue() -> operations.Issue:
        return operations.issue(
            owner_id=student.pk, amount_cents=1000, source="milestone", issue_key="milestone:s:5", now=NOON
        )

    issued = at_once(*[issue] * 4)
    assert sorted(len(one.entries) for one in issued) == [0, 0, 0, 1]
    assert len({one.lot.pk for one in issued}) == 1
    assert queries.totals(student.pk).issued == 1000


def test_credit_released_while_its_origin_is_charged_back_ends_frozen(student: User) -> None:
    give_credit(student, 100, origin_payment_id="p0")
    with transaction.atomic():
        operations.reserve(owner_id=student.pk, payment_id="p1", up_to_cents=100, now=NOON)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert freezing.freeze_issued_from(payment_id="p0", now=NOON).spent_cents == 100
            released = pool.submit(at_once, lambda: operations.release(payment_id="p1", now=NOON))
            wait([released], timeout=0.3)
            assert not released.done(), "it waits for the freeze"
        assert [entry.kind for entry in released.result()[0]] == ["release", "freeze"]
    assert queries.totals(student.pk) == queries.Totals(issued=100, frozen=100)


def test_credit_released_while_its_origin_is_given_back_stays_available(student: User) -> None:
    give_credit(student, 100, origin_payment_id="p0")
    with transaction.atomic():
        operations.reserve(owner_id=student.pk, payment_id="p1", up_to_cents=100, now=NOON)
        freezing.freeze_issued_from(payment_id="p0", now=NOON)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            freezing.unfreeze_issued_from(payment_id="p0", now=NOON)
            released = pool.submit(at_once, lambda: operations.release(payment_id="p1", now=NOON))
            wait([released], timeout=0.3)
        assert [entry.kind for entry in released.result()[0]] == ["release"]
    assert queries.totals(student.pk) == queries.Totals(issued=100, available=100)


def test_the_expiry_job_leaves_a_wallet_in_use_for_later_and_marks_the_others(student: User) -> None:
    give_credit(student, 100, days=1)
    give_credit(UserFactory.create(), 200, days=2)
    later = NOON + timedelta(days=3)
    with transaction.atomic():
        operations.reserve(owner_id=student.pk, payment_id="p1", up_to_cents=1, now=later)  # holds the wallet
        [marked] = at_once(lambda: operations.expire_due(now=later, limit=1))
        assert [entry.amount_cents for entry in marked] == [200]
        assert at_once(lambda: operations.expire_due(now=later)) == [[]]
    with transaction.atomic():
        assert [entry.amount_cents for entry in operations.expire_due(now=later)] == [100]


def test_the_expiry_job_running_twice_at_once_marks_once(student: User) -> None:
    for _ in range(5):
        give_credit(student, 100, days=1)
    batches = at_once(*[lambda: operations.expire_due(now=NOON + timedelta(days=2))] * 3)
    assert sum(len(batch) for batch in batches) == 5
    assert queries.check_user(student.pk) == []
