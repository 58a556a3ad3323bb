"""The smallest pieces of the harnesses that must notice a missing protection: a story, a crash, a fault, a race."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from common.problems import Problem

from .crashes import Case as CrashCase
from .crashes import Crashes
from .facts import Facts, differences, facts
from .faulting import Case as FaultCase
from .faulting import Faults
from .races_play import NO_MUTEX, Pair, Races
from .registry import OPERATIONS, Operation
from .verdicts import audited
from .world import Staged, World


class Probe(ABC):
    """Played once undisturbed (`clean`: what it finds there is a fault of its own), then under each sabotage (`play`)."""

    harness: str

    @abstractmethod
    def clean(self, world: World) -> list[str]:
        """Learn what is right; returns what is wrong without any sabotage."""

    @abstractmethod
    def play(self, world: World) -> list[str]:
        """What is wrong now; empty when nothing is noticed."""


@dataclass
class Story(Probe):
    """An operation ends as its row of the policy says, and the audit finds nothing."""

    operation: Operation
    harness: str = "story and audit"
    _right: Facts = field(default_factory=dict)

    def clean(self, world: World) -> list[str]:
        self._right, wrong = self._tell(world)
        return wrong

    def play(self, world: World) -> list[str]:
        try:
            found, wrong = self._tell(world)
        except Exception as error:
            return [f"{type(error).__name__}: {str(error).strip()[:160]}"]
        return [*differences(self._right, found), *wrong]

    def _tell(self, world: World) -> tuple[Facts, list[str]]:
        world.reset()
        s = self.operation.stage(world)
        with_problem = ""
        try:
            self.operation.verb.run(s, s.now)
        except Problem as problem:
            with_problem = problem.code
        wrong = [f"a job met {type(error).__name__}: {error}" for error in world.errors]
        world.errors.clear()
        found = facts(s)
        s.over()
        return {**found, "answer": with_problem}, [*wrong, *audited(world)]


@dataclass
class Crash(Probe):
    """An operation is killed at boundaries (all that change something, or those that begin so) and carried on."""

    operation: str
    into: str = "jobs"
    at: str = ""
    harness: str = "crash"
    _crashes: Crashes | None = None

    def clean(self, world: World) -> list[str]:
        world.reset()
        self._crashes = Crashes(world, OPERATIONS[self.operation])
        return next(self._violations(), [])

    def play(self, world: World) -> list[str]:
        world.reset()
        return next(self._violations(), [])

    def _violations(self) -> Iterator[list[str]]:
        crashes = self._crashes
        assert crashes
        crashes.__dict__.pop("boundaries", None)  # a sabotage may have moved them
        for boundary in crashes.boundaries:
            if boundary.distinct and str(boundary).startswith(self.at):
                violation = crashes.run(CrashCase(self.operation, boundary.number, self.into))
                if violation:
                    yield violation.wrong


@dataclass
class Fault(Probe):
    """Stripe misbehaves at one call of an operation."""

    operation: str
    call: str
    kind: str
    harness: str = "fault"
    _faults: Faults | None = None

    def clean(self, world: World) -> list[str]:
        world.reset()
        self._faults = Faults(world, OPERATIONS[self.operation])
        return self.play(world)

    def play(self, world: World) -> list[str]:
        world.reset()
        assert self._faults
        number = next(call.number for call in self._faults.calls if call.what == self.call)
        violation = self._faults.run(FaultCase(self.operation, number, self.kind))
        return violation.wrong if violation else []


@dataclass
class Race(Probe):
    """Two meet on a booking, without the mutex, at every boundary of the first."""

    operation: str
    first: str
    second: str
    harness: str = "race"
    _races: Races | None = None

    def clean(self, world: World) -> list[str]:
        world.reset()
        self._races = Races(world)
        return self.play(world)

    def play(self, world: World) -> list[str]:
        world.reset()
        races, pair = self._races, Pair(self.operation, self.first, self.second)
        assert races
        races.boundaries.cache_clear()
        for race in races.at_every_stop(pair, NO_MUTEX):
            violation = races.run(race)
            if violation:
                return violation.wrong
        return []


@dataclass
class Check(Probe):
    """A story that says itself what is wrong."""

    harness: str
    look: Callable[[World], list[str]]

    def clean(self, world: World) -> list[str]:
        world.reset()
        return self.look(world)

    def play(self, world: World) -> list[str]:
        world.reset()
        try:
            return self.look(world)
        except Exception as error:
            return [f"{type(error).__name__}: {str(error).strip()[:160]}"]


def story(operation: str | Operation) -> Story:
    return Story(OPERATIONS[operation] if isinstance(operation, str) else operation)


def staged(name: str, verb: Any, stage: Callable[[World], Staged]) -> Story:
    """A story that the registry does not tell."""
    return Story(Operation(name, verb, stage))
