"""Credit is issued once per cause, lives a year, and "back to X" gives exactly X back (policy 5, 8)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import User
from credits import milestones, operations, queries
from credits.models import CreditEntry, CreditLot
from tests.support.factories import NOON, UserFactory, give_credit

LATE = CreditLot.Source.CANCEL_12_24


@pytest.fixture
def student(database: None) -> User:
    return UserFactory.create()


@transaction.atomic
def back_to(student: User, cents: int, now: datetime = NOON) -> operations.BackTo:
    return operations.back_to(
        payment_id="p1", owner_id=student.pk, target_cents=cents, source=LATE, issue_key="cancel:p1", now=now
    )


@transaction.atomic
def reserve(student: User, cents: int) -> None:
    operations.reserve(owner_id=student.pk, payment_id="p1", up_to_cents=cents, now=NOON)


@pytest.mark.parametrize(
    ("now", "expires"),
    [
        (datetime(2027, 3, 1, 12, 30, 15, tzinfo=UTC), datetime(2028, 3, 1, 12, 30, 15, tzinfo=UTC)),
        (datetime(2028, 2, 29, 8, tzinfo=UTC), datetime(2029, 2, 28, 8, tzinfo=UTC)),
        (datetime(2027, 2, 28, 8, tzinfo=UTC), datetime(2028, 2, 28, 8, tzinfo=UTC)),
    ],
)
def test_credit_lives_one_year(now: datetime, expires: datetime) -> None:
    assert operations.a_year_after(now) == expires


def test_one_issue_per_cause(student: User) -> None:
    first = give_credit(student, 1000, issue_key="goodwill:7")
    with transaction.atomic():
        again = operations.issue(
            owner_id=student.pk, amount_cents=1000, source="goodwill", issue_key="goodwill:7", now=NOON
        )
    assert (again.lot, again.entries) == (first, [])
    assert queries.totals(student.pk).issued == 1000


def test_one_issue_per_cause_even_when_it_was_split_meanwhile(student: User) -> None:
    first = give_credit(student, 1000, issue_key="goodwill:7")
    reserve(student, 300)
    assert give_credit(student, 1000, issue_key="goodwill:7") == first
    assert queries.totals(student.pk).issued == 1000


def test_a_key_used_for_something_else_is_refused(student: User) -> None:
    give_credit(student, 1000, issue_key="goodwill:7")
    for owner, cents in ((student, 900), (UserFactory.create(), 1000)):
        with pytest.raises(operations.IssueKeyReused):
            give_credit(owner, cents, issue_key="goodwill:7")


@pytest.mark.parametrize(
    "wrong",
    [{"amount_cents": 0}, {"amount_cents": -5}, {"issue_key": ""}, {"expires_at": NOON}, {"source": "lottery"}],
)
def test_what_cannot_be_issued(student: User, wrong: dict[str, object]) -> None:
    usual = {"owner_id": student.pk, "amount_cents": 100, "source": "goodwill", "issue_key": "k", "now": NOON}
    with pytest.raises(ValueError, match=r".+"), transaction.atomic():
        operations.issue(**(usual | wrong))  # type: ignore[arg-type]
    assert queries.totals(student.pk) == queries.Totals()


@pytest.mark.parametrize(
    ("credits_reserved", "target", "released", "issued", "forfeited"),
    [
        (0, 12000, 0, 12000, 0),
        (2000, 12000, 2000, 10000, 0),
        (12000, 12000, 12000, 0, 0),
        (2000, 6000, 2000, 4000, 0),
        (6000, 6000, 6000, 0, 0),
        (9000, 6000, 6000, 0, 3000),
        (12000, 6000, 6000, 0, 6000),
        (2000, 0, 0, 0, 2000),
        (0, 0, 0, 0, 0),
    ],
)
def test_back_to(student: User, credits_reserved: int, target: int, released: int, issued: int, forfeited: int) -> None:
    give_credit(student, 20000, days=30)
    reserve(student, credits_reserved)
    first = back_to(student, target)
    assert (first.released_cents, first.issued_cents, first.forfeited_cents) == (released, issued, forfeited)
    spendable = queries.available_cents(user_id=student.pk, now=NOON)
    assert spendable == 20000 - credits_reserved + target
    again = back_to(student, target, now=NOON + timedelta(hours=1))
    assert (again.released_cents, again.issued_cents, again.forfeited_cents) == (released, issued, forfeited)
    assert again.entries == []
    assert queries.available_cents(user_id=student.pk, now=NOON) == spendable
    assert queries.check_user(student.pk) == []


def test_back_to_gives_old_credit_back_with_its_old_date_and_new_credit_a_year(student: User) -> None:
    old = give_credit(student, 2000, days=30)
    reserve(student, 2000)
    back_to(student, 12000)
    lots = queries.balance(user_id=student.pk, now=NOON).lots
    assert [(lot.amount_cents, lot.source, lot.expires_at) for lot in lots] == [
        (2000, "goodwill", old.expires_at),
        (10000, "cancel_12_24", operations.a_year_after(NOON)),
    ]
    assert lots[1].origin_payment_id == "p1"


def test_back_to_releases_what_expires_last(student: User) -> None:
    give_credit(student, 1000, days=10)
    late = give_credit(student, 1000, days=90)
    reserve(student, 2000)
    back_to(student, 1000)
    [lot] = queries.balance(user_id=student.pk, now=NOON).lots
    assert (lot.amount_cents, lot.expires_at) == (1000, late.expires_at)


def test_every_entry_of_back_to_names_the_payment_and_the_cause(student: User) -> None:
    give_credit(student, 1000)
    reserve(student, 1000)
    entries = back_to(student, 400).entries
    assert {(entry.payment_id, entry.reason) for entry in entries} == {("p1", "cancel:p1")}
    assert CreditEntry.objects.filter(reason="cancel:p1").count() == len(entries) == 2


def test_milestones() -> None:
    earned = {n: milestones.milestone_cents(completed_lessons=n) for n in range(-1, 40)}
    assert {n: cents for n, cents in earned.items() if cents} == {
        5: 1000,
        11: 2000,
        16: 1000,
        22: 2000,
        27: 1000,
        33: 2000,
        38: 1000,
    }
    assert milestones.milestone_key(student_id="S", completed_lessons=16) == "milestone:S:16"
