"""One fault: stage, let Stripe misbehave at one call, stop that, one pass of the recovery job, look at the end.

Every request that a dry run made is met by every kind of fault that can happen to it, once or until the faults stop.
Where the fault only disturbs, the end is the undisturbed one; where it decides (a declined card, no money for a
transfer), the end is whatever the policy makes of it, with nothing open and the books in order.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from types import SimpleNamespace

from django.conf import settings

from payments import settlement
from payments.models import MoneyMovement, MoneyPlan

from .boundaries import Boundary, at, watching
from .facts import facts
from .registry import OPERATIONS, Operation
from .verdicts import References, Violation, attempt, over, wrong_with
from .world import HOUR, Staged, World

ONCE = ("lost_request", "lost_response", "500", "500_after", "409", "429")
UNTIL_OVER = tuple(f"{kind} until over" for kind in ONCE)
SLOW, STORM, DECLINE, INSUFFICIENT, TWO_DAYS = "slow", "429 storm", "decline", "insufficient", "down for two days"
KINDS = (*ONCE, *UNTIL_OVER, SLOW, STORM, DECLINE, INSUFFICIENT, TWO_DAYS)
OF_A_READ = ("lost_request", "lost_request until over", "500 until over", STORM, TWO_DAYS)
DECIDING = (DECLINE, INSUFFICIENT)
PATIENCE, SLOWNESS = 0.4, 1.2  # seconds: the client's timeout and what Stripe takes
DECLINED = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Declined."}
NO_MONEY = {"type": "invalid_request_error", "code": "balance_insufficient", "message": "Insufficient funds."}


@dataclass(frozen=True, slots=True)
class Case:
    """`kind` happens to the request that leaves at a boundary of `operation`."""

    operation: str
    boundary: int
    kind: str

    def __str__(self) -> str:
        return f"{self.operation}@{self.boundary}/{self.kind}"


def parse_case(text: str) -> Case:
    """The case that `str` made a text of. Raises ValueError."""
    operation, _, rest = text.rpartition("@")
    boundary, _, kind = rest.partition("/")
    if operation not in OPERATIONS or kind not in KINDS:
        raise ValueError(f"No such case: {text}")
    return Case(operation, int(boundary), kind)


class Faults:
    """All faults of one operation in one world."""

    def __init__(self, world: World, operation: Operation) -> None:
        self.world, self.operation = world, operation
        self.references = References(world, operation)
        vars(settlement)["time"] = SimpleNamespace(sleep=lambda seconds: None)  # nobody waits here between tries

    @cached_property
    def boundaries(self) -> list[Boundary]:
        s = self.operation.stage(self.world)
        with watching() as watch:
            attempt(self.operation.verb, s, s.now)
        over(s)
        return watch.seen

    @property
    def calls(self) -> list[Boundary]:
        """The requests of a dry run, each by the moment before it leaves."""
        return [b for b in self.boundaries if b.moment == "before" and b.what.startswith(("GET ", "POST "))]

    def cases(self) -> Iterator[Case]:
        for call in self.calls:
            for kind in KINDS:
                if _can_happen(kind, call.what):
                    yield Case(self.operation.name, call.number, kind)

    def run(self, case: Case) -> Violation | None:
        story = [f"{self.operation.verb.name}: {case.kind} at {self.boundaries[case.boundary].what}"]
        _ = self.references.alone  # now: it moves the clock
        s = self.operation.stage(self.world)
        self.world.plays(s, case)
        try:
            wrong = self._play(s, case, story)
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            self.world.sandbox.control("DELETE", "faults")
            over(s)
        return Violation(str(case), story, wrong) if wrong else None

    def _play(self, s: Staged, case: Case, story: list[str]) -> list[str]:
        before, plans = facts(s, at_stripe=False), MoneyPlan.objects.filter(payment_id__in=s.payment_ids).count()
        outlives_hold = _hold_ends_within(s, timedelta(hours=50))
        answer = self._disturbed(s, case)
        story.append(f"it answered {answer or 'as always'}")
        decided = MoneyPlan.objects.filter(payment_id__in=s.payment_ids).count() > plans
        decided = decided or facts(s, at_stripe=False) != before
        resumed = s.now + 3 * HOUR
        if case.kind == TWO_DAYS:
            resumed = self._two_days(s, story)
        self.world.sandbox.control("DELETE", f"faults/{self._fault}") if self._fault else None
        run = self.world.resume(s, resumed)
        story.append(f"the recovery job ran: {run.results or 'nothing to do'}{' with failures' * bool(run.failed)}")
        if case.kind in DECIDING or (case.kind == TWO_DAYS and (outlives_hold or not decided)):
            return wrong_with(s)
        if self.operation.verb.asks_again or not decided:
            story.append(f"{self.operation.verb.name} again: {attempt(self.operation.verb, s, s.now) or 'done'}")
        return wrong_with(s, self.references.alone)

    def _disturbed(self, s: Staged, case: Case) -> str:
        self._fault = ""

        def disturb(boundary: Boundary) -> None:
            fault = self.world.sandbox.control("POST", "faults", **_fault(case.kind, boundary.what))
            self._fault = str(fault["id"])

        patience = settings.STRIPE_TIMEOUT_SECONDS
        settings.STRIPE_TIMEOUT_SECONDS = PATIENCE if case.kind == SLOW else patience
        try:
            with watching(at(case.boundary, disturb)):
                answer = attempt(self.operation.verb, s, s.now)
        finally:
            settings.STRIPE_TIMEOUT_SECONDS = patience
        if case.kind == SLOW:
            time.sleep(SLOWNESS)  # Stripe finishes what it was asked
        return answer

    def _two_days(self, s: Staged, story: list[str]) -> datetime:
        for hours in (1, 25):
            run = self.world.resume(s, s.now + hours * HOUR)
            story.append(f"after {hours} h the recovery job failed {run.failed} times")
        back = s.now + 48 * HOUR
        self.world.move_to(back)
        self.world.sandbox.control("POST", "idempotency/forget")
        for movement in MoneyMovement.objects.filter(payment_id__in=s.payment_ids, status="sent").exclude(sent_at=None):
            assert movement.sent_at
            MoneyMovement.objects.filter(pk=movement.pk).update(sent_at=movement.sent_at - 48 * HOUR)
        return back


def _can_happen(kind: str, call: str) -> bool:
    if kind == DECLINE:
        return call.endswith(("/confirm", "/capture"))
    if kind == INSUFFICIENT:
        return call == "POST /v1/transfers"
    return kind in OF_A_READ or call.startswith("POST ")


def _fault(kind: str, call: str) -> dict[str, object]:
    method, _, path = call.partition(" ")
    what: dict[str, object] = {"method": method, "path": path}
    if kind == DECLINE:
        return {**what, "kind": "refuse", "error": DECLINED}
    if kind == INSUFFICIENT:
        return {**what, "kind": "refuse", "error": NO_MONEY}
    if kind == SLOW:
        return {**what, "kind": "delay", "seconds": SLOWNESS, "count": 1}
    if kind == STORM:
        return {"method": "*", "path": "*", "kind": "429"}
    if kind == TWO_DAYS:
        return {"method": "*", "path": "*", "kind": "lost_request"}
    if kind in ONCE:
        return {**what, "kind": kind, "count": 1}
    return {**what, "kind": kind.removesuffix(" until over")}


def _hold_ends_within(s: Staged, span: timedelta) -> bool:
    ends = s.payment.capture_before
    return ends is not None and ends <= s.now + span
