"""Whatever happens to credits in whatever order, every cent is where a simple model says (invariant 6).

The model knows no lots: only how many cents of each issue are in which state for which payment. Hypothesis makes up the
stories; `CREDIT_STORIES=1000` makes it look longer.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from credits import freezing, operations, queries
from credits.models import CreditEntry, CreditLot
from tests.support.factories import NOON, UserFactory

PAYMENTS = [f"p{n}" for n in range(4)]
payments = st.sampled_from(PAYMENTS)
amounts = st.integers(0, 400)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """One issue of the model. `number` is also its age: no two are issued at the same instant."""

    number: int
    key: str
    owner: int
    origin: str
    expires_at: datetime

    @property
    def rank(self) -> tuple[datetime, int]:
        return self.expires_at, self.number


Place = tuple[Issued, str, str]  # of which issue, in which state, for which payment


class Model:
    """Cents by place."""

    def __init__(self) -> None:
        self.cents: Counter[Place] = Counter()
        self.freezes: dict[str, str] = {}
        self.done: dict[str, tuple[int, int, int]] = {}

    def at(self, chosen: Callable[[Issued, str, str], bool], *, last_first: bool = False) -> list[Place]:
        places = [place for place, cents in self.cents.items() if cents and chosen(*place)]
        return sorted(places, key=lambda place: place[0].rank, reverse=last_first)

    def move(self, places: list[Place], up_to: int | None, status: str, payment: str = "") -> list[tuple[Issued, int]]:
        moved = []
        for place in places:
            cents = self.cents[place] if up_to is None else min(up_to, self.cents[place])
            if cents:
                self.cents[place] -= cents
                self.cents[place[0], status, payment] += cents
                moved.append((place[0], cents))
            if up_to is not None:
                up_to -= cents
        return moved

    def land(self, moved: list[tuple[Issued, int]], now: datetime) -> None:
        for issue, cents in moved:
            freeze = self.freezes.get(issue.origin, "")
            after = "expired" if issue.expires_at <= now else {"open": "frozen", "lost": "revoked"}.get(freeze, "")
            if after:
                self.move([(issue, "available", "")], cents, after)

    def reserved(self, payment: str) -> int:
        return sum(self.cents[place] for place in self.at(lambda _, s, p: s == "reserved" and p == payment))

    def release(self, payment: str, up_to: int | None, now: datetime) -> int:
        places = self.at(lambda _, s, p: s == "reserved" and p == payment, last_first=True)
        moved = self.move(places, up_to, "available")
        self.land(moved, now)
        return sum(cents for _, cents in moved)

    def forfeit(self, payment: str, up_to: int | None) -> int:
        places = self.at(lambda _, s, p: s == "reserved" and p == payment)
        return sum(cents for _, cents in self.move(places, up_to, "forfeited", payment))


class Credits(RuleBasedStateMachine):
    """Two people, four payments (even ones of the first, odd ones of the second), one clock."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.model = Model()
        self.now = NOON
        self.number = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize()
    def people(self) -> None:
        self.people_ids = [UserFactory.create().pk, UserFactory.create().pk]

    def owner_of(self, payment: str) -> int:
        return PAYMENTS.index(payment) % 2

    def issue_in_model(self, owner: int, cents: int, key: str, origin: str, days: int) -> None:
        self.number += 1
        one = Issued(self.number, key, owner, origin, self.now + timedelta(days=days))
        self.model.cents[one, "available", ""] += cents
        self.model.land([(one, cents)], self.now)

    @rule(minutes=st.sampled_from([1, 60, 60 * 24, 60 * 24 * 20]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(
        owner=st.integers(0, 1),
        cents=st.integers(1, 400),
        origin=st.sampled_from(["", *PAYMENTS]),
        days=st.sampled_from([1, 10, 30]),
    )
    def issue(self, owner: int, cents: int, origin: str, days: int) -> None:
        self.now += MINUTE
        key = f"key{self.number}"
        for _ in range(2):
            operations.issue(
                owner_id=self.people_ids[owner],
                amount_cents=cents,
                source="goodwill",
                issue_key=key,
                now=self.now,
                origin_payment_id=origin,
                expires_at=self.now + timedelta(days=days),
            )
        self.issue_in_model(owner, cents, key, origin, days)

    @rule(payment=payments, cents=amounts)
    def reserve(self, payment: str, cents: int) -> None:
        owner = self.owner_of(payment)
        if not self.model.reserved(payment):
            usable = self.model.at(
                lambda issue, s, _: s == "available" and issue.owner == owner and issue.expires_at > self.now
            )
            self.model.move(usable, cents, "reserved", payment)
        result = operations.reserve(
            owner_id=self.people_ids[owner], payment_id=payment, up_to_cents=cents, now=self.now
        )
        assert result.reserved_cents == self.model.reserved(payment)

    @rule(payment=payments, cents=st.none() | amounts)
    def release(self, payment: str, cents: int | None) -> None:
        entries = operations.release(payment_id=payment, up_to_cents=cents, now=self.now)
        assert operations.cents(entries, CreditEntry.Kind.RELEASE) == self.model.release(payment, cents, self.now)

    @rule(payment=payments)
    def consume(self, payment: str) -> None:
        operations.consume(payment_id=payment, now=self.now)
        places = self.model.at(lambda _, s, p: s == "reserved" and p == payment)
        self.model.move(places, None, "consumed", payment)

    @rule(payment=payments, cents=st.none() | amounts)
    def forfeit(self, payment: str, cents: int | None) -> None:
        entries = operations.forfeit(payment_id=payment, up_to_cents=cents, now=self.now)
        assert operations.cents(entries) == 0
        assert operations.cents(entries, CreditEntry.Kind.FORFEIT) == self.model.forfeit(payment, cents)

    @rule(payment=payments, back_to_cents=amounts)
    def back_to(self, payment: str, back_to_cents: int) -> None:
        self.now += MINUTE
        key = f"cancel:{payment}"
        target, reserved = back_to_cents, self.model.reserved(payment)
        if key not in self.model.done:
            released = self.model.release(payment, target, self.now)
            forfeited = self.model.forfeit(payment, None)
            if issued := max(0, target - reserved):
                days = (operations.a_year_after(self.now) - self.now).days
                self.issue_in_model(self.owner_of(payment), issued, key, payment, days)
            if target or reserved:
                self.model.done[key] = (released, issued, forfeited)
        result = operations.back_to(
            payment_id=payment,
            owner_id=self.people_ids[self.owner_of(payment)],
            target_cents=target,
            source="cancel_lt12",
            issue_key=key,
            now=self.now,
        )
        expected = self.model.done.get(key, (0, 0, 0))
        assert (result.released_cents, result.issued_cents, result.forfeited_cents) == expected

    @rule(payment=payments)
    def freeze(self, payment: str) -> None:
        result = freezing.freeze_issued_from(payment_id=payment, now=self.now)
        if self.model.freezes.get(payment) != "lost":
            self.model.freezes[payment] = "open"
        usable = self.model.at(lambda i, s, _: i.origin == payment and s == "available" and i.expires_at > self.now)
        self.model.move(usable, None, "frozen")
        of_payment = self.model.at(lambda i, *_: i.origin == payment)
        by_status: Counter[str] = Counter()
        for place in of_payment:
            by_status[place[1]] += self.model.cents[place]
        assert result.frozen_cents == by_status["frozen"]
        assert result.spent_cents == by_status["consumed"] + by_status["reserved"]

    @precondition(lambda self: "open" in self.model.freezes.values())
    @rule(payment=payments)
    def unfreeze(self, payment: str) -> None:
        freezing.unfreeze_issued_from(payment_id=payment, now=self.now)
        if self.model.freezes.get(payment) == "open":
            self.model.freezes[payment] = "lifted"
            frozen = self.model.at(lambda issue, s, _: issue.origin == payment and s == "frozen")
            self.model.land(self.model.move(frozen, None, "available"), self.now)

    @precondition(lambda self: "open" in self.model.freezes.values())
    @rule(payment=payments)
    def revoke_frozen(self, payment: str) -> None:
        freezing.revoke_frozen_from(payment_id=payment, now=self.now)
        if self.model.freezes.get(payment) == "open":
            self.model.freezes[payment] = "lost"
            frozen = self.model.at(lambda issue, s, _: issue.origin == payment and s == "frozen")
            self.model.move(frozen, None, "revoked")

    @rule(payment=payments, cents=st.none() | amounts)
    def revoke_unspent(self, payment: str, cents: int | None) -> None:
        freezing.revoke_unspent(payment_id=payment, up_to_cents=cents, now=self.now)
        self.model.move(self.unspent(lambda issue: issue.origin == payment), cents, "revoked")

    @precondition(lambda self: self.number > 0)
    @rule(data=st.data())
    def revoke_by_issue_key(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted({place[0].key for place in self.model.cents})))
        freezing.revoke_by_issue_key(issue_key=key, now=self.now)
        self.model.move(self.unspent(lambda issue: issue.key == key), None, "revoked")

    def unspent(self, chosen: Callable[[Issued], bool]) -> list[Place]:
        return self.model.at(
            lambda i, s, _: chosen(i) and (s == "frozen" or (s == "available" and i.expires_at > self.now)),
            last_first=True,
        )

    @rule()
    def daily_job(self) -> None:
        while operations.expire_due(now=self.now, limit=2):
            pass
        due = self.model.at(lambda issue, s, _: s == "available" and issue.expires_at <= self.now)
        self.model.move(due, None, "expired")

    @invariant()
    def every_cent_is_where_the_model_says(self) -> None:
        keys = dict(CreditLot.objects.exclude(issue_key=None).values_list("pk", "issue_key"))
        rows = CreditLot.objects.order_by().values_list(Coalesce("split_from_id", "id"), "status", "reserved_for")
        stored = {
            (keys[root], status, payment): cents
            for root, status, payment, cents in rows.annotate(c=Sum("amount_cents"))
        }
        modelled: Counter[tuple[str, str, str]] = Counter()
        for (issue, status, payment), cents in self.model.cents.items():
            modelled[issue.key, status, payment] += cents
        assert stored == {place: cents for place, cents in modelled.items() if cents}

    @invariant()
    def everything_issued_is_accounted_for(self) -> None:
        assert queries.check_everybody() == []


def test_any_story_of_credits_keeps_every_cent(database: None) -> None:
    run_state_machine_as_test(
        Credits,
        settings=settings(
            max_examples=int(os.environ.get("CREDIT_STORIES", "20")),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
