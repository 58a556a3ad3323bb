"""One crash: stage, kill a real process at a boundary, let a world follow, look at the end.

Four worlds follow a crash: the jobs alone carry on (hours later, when another window of the policy may hold); the user
asks again first; a rival comes first; Stripe has forgotten its idempotency keys. In a double crash the recovery job is
itself killed at a boundary of its own. The end must be what was decided before the crash; when nothing was decided, as
if nothing had happened, and then what the next to ask gets.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from payments.models import MoneyMovement, MoneyPlan

from .boundaries import Boundary, at, die, watching
from .children import ChildHangs, End, in_child
from .facts import Facts, facts
from .registry import OPERATIONS, Operation
from .verdicts import References, Violation, attempt, over, wrong_with
from .world import HOUR, Staged, World

JOBS, RETRY, RIVAL, FORGOTTEN = WORLDS = ("jobs", "retry", "rival", "forgotten")
HOURS_LATER = 3 * HOUR
KEYS_FORGOTTEN = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Case:
    """Kill `operation` at `boundary`, go on in `world`, kill the recovery at its boundary `second`."""

    operation: str
    boundary: int
    world: str = JOBS
    second: int | None = None

    def __str__(self) -> str:
        again = "" if self.second is None else f"+{self.second}"
        return f"{self.operation}@{self.boundary}/{self.world}{again}"


def parse_case(text: str) -> Case:
    """The case that `str` made a text of. Raises ValueError."""
    operation, _, rest = text.rpartition("@")
    boundary, _, world = rest.partition("/")
    world, _, second = world.partition("+")
    if operation not in OPERATIONS or world not in WORLDS:
        raise ValueError(f"No such case: {text}")
    return Case(operation, int(boundary), world, int(second) if second else None)


class Crashes:
    """All crashes of one operation in one world."""

    def __init__(self, world: World, operation: Operation) -> None:
        self.world, self.operation = world, operation
        self.references = References(world, operation)

    @cached_property
    def boundaries(self) -> list[Boundary]:
        """Counted in a dry run."""
        s = self.operation.stage(self.world)
        with watching() as watch:
            self.refusal = attempt(self.operation.verb, s, s.now)
        over(s)
        return watch.seen

    def cases(self, *, every: bool = True) -> Iterator[Case]:
        """Single crashes: at every boundary with the jobs alone, at the distinct ones in the other worlds."""
        for boundary in self.boundaries:
            for world in WORLDS:
                if boundary.distinct or (every and world == JOBS):
                    yield Case(self.operation.name, boundary.number, world)

    def run(self, case: Case, *, doubles: Callable[[Case], None] = lambda case: None) -> Violation | None:
        """Play one case. `doubles` is given the double crashes that a single one with the jobs alone opens up."""
        story = [f"{self.operation.verb.name}, killed {self.boundaries[case.boundary]}"]
        self._run_references(case.world)  # now: they move the clock
        s = self.operation.stage(self.world)
        self.world.plays(s, case)
        try:
            wrong = self._play(s, case, story, doubles)
        except ChildHangs as error:
            wrong = [str(error)]
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        finally:
            over(s)
        return Violation(str(case), story, wrong) if wrong else None

    def _run_references(self, world: str) -> None:
        references = self.references
        match world:
            case "retry":
                _ = references.alone, references.twice
            case "rival":
                _ = references.then_rival, references.rival_alone
            case _:
                _ = references.alone

    def _play(self, s: Staged, case: Case, story: list[str], doubles: Callable[[Case], None]) -> list[str]:
        before, plans = facts(s, at_stripe=False), MoneyPlan.objects.filter(payment_id__in=s.payment_ids).count()
        missed = self.interrupt(s, case.boundary)
        if missed:
            return [missed]
        self.world.expire_leases()
        decided = MoneyPlan.objects.filter(payment_id__in=s.payment_ids).count() > plans
        decided = decided or facts(s, at_stripe=False) != before
        story.append("it had been decided" if decided else "nothing had been decided")
        if case.second is not None:
            self._kill_recovery(s, case.second, story)
        match case.world:
            case "retry":
                return self._retried(s, story, decided=decided)
            case "rival":
                return self._rivalled(s, story, decided=decided)
            case "forgotten":
                self._forget(s, story)
        return self._resumed(s, case, before, story, doubles)

    def interrupt(self, s: Staged, boundary: int) -> str:
        """Perform the operation up to a boundary and no further; says what is wrong when it was not stopped there."""
        end = in_child(lambda: self._until(s, boundary))
        return "" if end.killed else f"was not killed: {end.error or 'the boundary was not reached'}"

    def _until(self, s: Staged, boundary: int) -> None:
        with watching(at(boundary, die)):
            self.operation.verb.run(s, s.now)

    def _kill_recovery(self, s: Staged, boundary: int, story: list[str]) -> None:
        def recover() -> None:
            with watching(at(boundary, die)):
                self.world.resume(s, s.now + HOURS_LATER)

        end: End = in_child(recover)
        story.append(f"the recovery was killed at its boundary {boundary}" if end.killed else "the recovery went on")
        self.world.expire_leases()

    def _forget(self, s: Staged, story: list[str]) -> None:
        self.world.sandbox.control("POST", "idempotency/forget")
        for movement in MoneyMovement.objects.filter(payment_id__in=s.payment_ids, status="sent"):
            sent_at = movement.sent_at - KEYS_FORGOTTEN if movement.sent_at else None
            MoneyMovement.objects.filter(pk=movement.pk).update(sent_at=sent_at)
        story.append("Stripe forgot its keys")

    def _resumed(
        self, s: Staged, case: Case, before: Facts, story: list[str], doubles: Callable[[Case], None]
    ) -> list[str]:
        with watching() as watch:
            run = self.world.resume(s, s.now + HOURS_LATER)
        story.append(f"the recovery job ran: {run.results or 'nothing to do'}{' with failures' * bool(run.failed)}")
        if case.world == JOBS and case.second is None and self.boundaries[case.boundary].distinct:
            for boundary in watch.seen:
                if boundary.distinct:
                    doubles(replace(case, second=boundary.number))
        if self.operation.verb.asks_again:
            story.append(f"{self.operation.verb.name} again: {attempt(self.operation.verb, s, s.now) or 'done'}")
            return wrong_with(s, self.references.alone)
        if {**facts(s, at_stripe=False)} == before:
            story.append(f"{self.operation.verb.name} again: {attempt(self.operation.verb, s, s.now) or 'done'}")
        return wrong_with(s, self.references.alone)

    def _retried(self, s: Staged, story: list[str], *, decided: bool) -> list[str]:
        story.append(f"{self.operation.verb.name} again: {attempt(self.operation.verb, s, s.now) or 'done'}")
        return self._after(s, story, self.references.twice if decided else self.references.alone)

    def _rivalled(self, s: Staged, story: list[str], *, decided: bool) -> list[str]:
        rival = self.operation.rival
        story.append(f"{rival.name} came: {attempt(rival, s, s.now) or 'done'}")
        return self._after(s, story, self.references.then_rival if decided else self.references.rival_alone)

    def _after(self, s: Staged, story: list[str], expected: Facts) -> list[str]:
        run = self.world.resume(s, s.now)
        story.append(f"the recovery job ran: {run.results or 'nothing to do'}")
        return wrong_with(s, expected, needless=self.operation.needless)
