"""Credit whose money is in doubt: frozen in a chargeback, revoked when it is lost or refunded (policy 7, 8)."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import User
from credits import freezing, operations, queries
from credits.models import CreditEntry
from tests.support.factories import NOON, UserFactory, give_credit

DAY = timedelta(days=1)


@pytest.fixture
def student(database: None) -> User:
    return UserFactory.create()


def kinds(entries: list[CreditEntry]) -> list[tuple[str, int]]:
    return [(str(entry.kind), entry.amount_cents) for entry in entries]


def states(student: User) -> dict[str, int]:
    totals = queries.totals(student.pk)
    assert queries.check_user(student.pk) == []
    parts = ("available", "reserved", "consumed", "forfeited", "expired", "frozen", "revoked")
    return {part: getattr(totals, part) for part in parts if getattr(totals, part)}


@transaction.atomic
def reserve(student: User, cents: int, payment: str) -> None:
    operations.reserve(owner_id=student.pk, payment_id=payment, up_to_cents=cents, now=NOON)


@transaction.atomic
def freeze() -> freezing.Freeze:
    return freezing.freeze_issued_from(payment_id="p0", now=NOON)


def test_a_chargeback_freezes_what_was_issued_and_counts_what_was_spent(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    reserve(student, 300, "p1")
    with transaction.atomic():
        operations.consume(payment_id="p1", now=NOON)
    reserve(student, 200, "p2")
    give_credit(student, 50)
    frozen = freeze()
    assert (frozen.frozen_cents, frozen.spent_cents, kinds(frozen.entries)) == (500, 500, [("freeze", 500)])
    assert states(student) == {"available": 50, "consumed": 300, "reserved": 200, "frozen": 500}
    again = freeze()
    assert (again.frozen_cents, again.spent_cents, again.entries) == (500, 500, [])


def test_expired_forfeited_and_revoked_credit_is_not_spent(student: User) -> None:
    give_credit(student, 100, days=1, origin_payment_id="p0")
    give_credit(student, 200, origin_payment_id="p0", issue_key="k")
    give_credit(student, 300, days=30, origin_payment_id="p0")
    with transaction.atomic():
        operations.expire_due(now=NOON + DAY)
        freezing.revoke_by_issue_key(issue_key="k", now=NOON)
    reserve(student, 300, "p1")
    with transaction.atomic():
        operations.forfeit(payment_id="p1", now=NOON)
    frozen = freeze()
    assert (frozen.frozen_cents, frozen.spent_cents) == (0, 0)


def test_frozen_credit_is_never_spent(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    freeze()
    reserve(student, 1000, "p1")
    assert states(student) == {"frozen": 1000}


def test_what_is_released_during_a_chargeback_freezes_and_is_no_longer_spent(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    reserve(student, 1000, "p1")
    assert freeze().spent_cents == 1000
    with transaction.atomic():
        entries = operations.release(payment_id="p1", up_to_cents=400, now=NOON)
    assert kinds(entries) == [("release", 400), ("freeze", 400)]
    assert [entry.payment_id for entry in entries] == ["p1", "p0"]
    assert freezing.spent_from(payment_id="p0") == 600


def test_what_is_issued_during_a_chargeback_is_frozen(student: User) -> None:
    freeze()
    lot = give_credit(student, 1000, origin_payment_id="p0")
    assert lot.status == "frozen"
    assert states(student) == {"frozen": 1000}


def test_a_won_chargeback_gives_everything_back(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    reserve(student, 200, "p1")
    freeze()
    with transaction.atomic():
        assert kinds(freezing.unfreeze_issued_from(payment_id="p0", now=NOON)) == [("unfreeze", 800)]
        assert freezing.unfreeze_issued_from(payment_id="p0", now=NOON) == []
        operations.release(payment_id="p1", now=NOON)
    assert states(student) == {"available": 1000}


def test_a_chargeback_after_a_won_one_freezes_again(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    freeze()
    with transaction.atomic():
        freezing.unfreeze_issued_from(payment_id="p0", now=NOON)
    assert freeze().frozen_cents == 1000
    assert states(student) == {"frozen": 1000}


def test_unfrozen_past_its_date_it_expires_at_once(student: User) -> None:
    give_credit(student, 1000, days=1, origin_payment_id="p0")
    freeze()
    with transaction.atomic():
        assert operations.expire_due(now=NOON + 2 * DAY) == []
        entries = freezing.unfreeze_issued_from(payment_id="p0", now=NOON + 2 * DAY)
    assert kinds(entries) == [("unfreeze", 1000), ("expire", 1000)]
    assert states(student) == {"expired": 1000}


def test_a_lost_chargeback_revokes_what_is_frozen_and_what_comes_back_later(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    reserve(student, 200, "p1")
    freeze()
    with transaction.atomic():
        assert kinds(freezing.revoke_frozen_from(payment_id="p0", now=NOON)) == [("revoke", 800)]
        assert freezing.revoke_frozen_from(payment_id="p0", now=NOON) == []
        assert kinds(operations.release(payment_id="p1", now=NOON)) == [("release", 200), ("revoke", 200)]
    assert states(student) == {"revoked": 1000}
    assert freezing.spent_from(payment_id="p0") == 0


def test_only_the_charged_back_payment_is_touched(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p9")
    give_credit(student, 500)
    freeze()
    with transaction.atomic():
        freezing.revoke_frozen_from(payment_id="p0", now=NOON)
    assert states(student) == {"available": 1500}


def test_a_refund_takes_back_what_is_unspent_and_no_more_than_asked(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    reserve(student, 300, "p1")
    with transaction.atomic():
        assert kinds(freezing.revoke_unspent(payment_id="p0", up_to_cents=400, now=NOON)) == [("revoke", 400)]
    assert states(student) == {"available": 300, "reserved": 300, "revoked": 400}
    with transaction.atomic():
        assert kinds(freezing.revoke_unspent(payment_id="p0", up_to_cents=400, now=NOON)) == [("revoke", 300)]
        assert freezing.revoke_unspent(payment_id="p0", now=NOON) == []


def test_a_refund_takes_back_frozen_credit_too(student: User) -> None:
    give_credit(student, 1000, origin_payment_id="p0")
    freeze()
    with transaction.atomic():
        assert kinds(freezing.revoke_unspent(payment_id="p0", now=NOON)) == [("revoke", 1000)]
    assert states(student) == {"revoked": 1000}


def test_a_milestone_is_taken_back_as_far_as_it_is_unspent(student: User) -> None:
    give_credit(student, 1000, issue_key="milestone:s:5", days=10)
    give_credit(student, 700, days=30)
    reserve(student, 400, "p1")
    reserve(student, 100, "p2")
    with transaction.atomic():
        operations.consume(payment_id="p1", now=NOON)
        operations.release(payment_id="p2", now=NOON)
        revoked = freezing.revoke_by_issue_key(issue_key="milestone:s:5", now=NOON)
        assert freezing.revoke_by_issue_key(issue_key="milestone:s:5", now=NOON) == []
        assert freezing.revoke_by_issue_key(issue_key="milestone:s:99", now=NOON) == []
    assert sorted(kinds(revoked)) == [("revoke", 100), ("revoke", 500)]
    assert states(student) == {"available": 700, "consumed": 400, "revoked": 600}
