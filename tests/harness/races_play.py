"""One race: A is stopped at a boundary, B comes, A goes on; then whoever was sent away asks again, and recovery runs.

The end must be one that A and B could have come to one after the other, in either order, with the books equal to
Stripe's. A and B are real processes with connections of their own.
"""

import os
import select
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django_fsm import ConcurrentTransition

from common import clock
from common.problems import Problem
from payments.models import StripeEventInbox

from .boundaries import Act, Boundary, watching
from .children import Child, ChildHangs, End
from .facts import Facts, differences, facts
from .registry import OPERATIONS
from .verbs import BY_STRIPE, VERBS, Verb
from .verdicts import Violation, _balances, attempt
from .world import Staged, World

MUTEX, NO_MUTEX = MODES = ("postgres", "off")
IN_PROGRESS = "operation_in_progress"
ON, FREE = b".", b"!"
BESIDE = ("common_lease", "payments_paymentmethod", "payments_stripeeventinbox")
LONGEST_WAIT = 20.0  # seconds for somebody to come to an end


@dataclass(frozen=True, slots=True)
class Ended:
    """How somebody came out: a problem's code or nothing; whether anything was written or asked of Stripe; bugs met."""

    code: str
    acted: bool
    bugs: list[str] = field(default_factory=list)

    @property
    def sent_away(self) -> bool:
        """Told that somebody else is at it, with nothing done."""
        return self.code == IN_PROGRESS and not self.acted

    def __str__(self) -> str:
        return (self.code or "done") + ("" if self.acted else ", nothing done") + "".join(f"; {b}" for b in self.bugs)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two that can meet on the booking an operation is staged on."""

    operation: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.operation}@{self.first}/{self.second}"


@dataclass(frozen=True, slots=True)
class Race:
    """A pair, and the boundary of the first at which the second comes; `onward` from there to the next that it can."""

    pair: Pair
    boundary: int
    mode: str = MUTEX
    onward: bool = False

    def __str__(self) -> str:
        return f"{self.pair} {self.boundary} {self.mode}"


def parse_race(text: str) -> Race:
    """The race that `str` made a text of. Raises ValueError."""
    operation, _, rest = text.rpartition("@")
    verbs, boundary, mode = rest.split(" ")
    first, _, second = verbs.partition("/")
    if operation not in OPERATIONS or mode not in MODES or not {first, second} <= set(VERBS):
        raise ValueError(f"No such race: {text}")
    return Race(Pair(operation, first, second), int(boundary), mode)


def perform(verb: Verb, s: Staged, act: Act | None = None) -> Ended:
    """Do it as its door would, and tell how it came out. Named problems are answers; everything else is a bug."""
    bugs = []
    if verb.by == BY_STRIPE:  # events that were put off are due again
        StripeEventInbox.objects.filter(processed_at=None).update(next_attempt_at=clock.system_now())
    with watching(act) as watch:
        try:
            code = _code_of(verb.run(s, s.now))
        except Problem as problem:
            code = problem.code
        except ConcurrentTransition:
            code = "conflict"
        except Exception as error:
            code = "server_error"
            bugs.append(f"{verb.name} met {type(error).__name__}: {str(error).strip()[:200]}")
    bugs += [f"a job met {type(error).__name__}: {str(error).strip()[:200]}" for error in s.world.errors]
    s.world.errors.clear()
    return Ended(code, any(map(_matters, watch.seen)), bugs)


def _code_of(answer: object) -> str:
    return IN_PROGRESS if isinstance(answer, dict) and answer.get("skipped") else ""


def _matters(boundary: Boundary) -> bool:
    """Something of the booking was changed: not leases, reads, cards saved on the way, and events put off."""
    beside = ("GET", "POST /v1/payment_methods", *(f"commit of {table}" for table in BESIDE))
    return boundary.moment == "after" and not boundary.what.startswith(beside)


def stops_at(boundary: Boundary, mode: str) -> bool:
    """Where a pause can show something that the pause before did not.

    Nothing happens between "after a commit" and "before the next request", and a read changes nothing: those before a
    request, and around a read, are the same as the one before. Before a commit, rows are locked: somebody who waits for
    them must read them afresh afterwards. Under the mutex, that somebody is sent away everywhere; without it, there is
    no lease to commit.
    """
    if boundary.number == 0:
        return True
    if "commit of" in boundary.what:
        return boundary.distinct or mode == NO_MUTEX
    return boundary.distinct


class Stopping:
    """A process that stops where it is told to and goes on when it is told to."""

    def __init__(self, work: Callable[[Act], Ended], wanted: Callable[[Boundary], bool]) -> None:
        self._hears, said = os.pipe()
        heard, self._says = os.pipe()
        free = False

        def stop(boundary: Boundary) -> None:
            nonlocal free
            if not free and wanted(boundary):
                os.write(said, f"{boundary.number} {boundary}\n".encode())
                free = os.read(heard, 1) == FREE

        def stopping() -> Ended:
            os.close(self._hears)
            os.close(self._says)
            return work(stop)

        self.child = Child(stopping)
        os.close(said)
        os.close(heard)

    def next_stop(self) -> str:
        """Where it stopped ("7 after POST …"); nothing when it has come to its end."""
        if not select.select([self._hears], [], [], LONGEST_WAIT)[0]:
            raise ChildHangs("The first neither stops nor ends.")
        return os.read(self._hears, 4096).decode().strip()

    def go(self) -> None:
        """Go on to the next stop."""
        os.write(self._says, ON)

    def end(self) -> Ended:
        """Its end, without any further stop."""
        with suppress(BrokenPipeError):  # it has ended already
            os.write(self._says, FREE)
        os.close(self._says)
        try:
            return ended(self.child.wait(LONGEST_WAIT))
        finally:
            os.close(self._hears)


def ended(end: End) -> Ended:
    if isinstance(end.result, Ended):
        return end.result
    return Ended("server_error", True, [f"a process ended by {end.error or 'a signal'}"])


def waits_for_a_lock() -> bool:
    """Whether some process waits for a row that another has locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1"
        )
        return cursor.fetchone() is not None


def until_ended_or_blocked(child: Child) -> bool:
    """True when it has ended, False when it waits for a lock. Raises ChildHangs."""
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if select.select([child._answer], [], [], 0.01)[0]:
            return True
        if waits_for_a_lock():
            return False
    child.kill()
    raise ChildHangs("The second neither ends nor waits for a lock.")


@contextmanager
def mutex_mode(mode: str) -> Iterator[None]:
    """The booking mutex of this process and its children."""
    before, settings.BOOKING_MUTEX = settings.BOOKING_MUTEX, mode
    try:
        yield
    finally:
        settings.BOOKING_MUTEX = before


class Races:
    """All races of one world. Ends that one after the other leads to are found out once per pair."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.one_after_the_other = lru_cache(maxsize=64)(self._one_after_the_other)
        self.boundaries = lru_cache(maxsize=64)(self._boundaries)

    def _stage(self, operation: str) -> Staged:
        """A fresh booking where the operation is due, with no events in the inbox but its own."""
        StripeEventInbox.objects.filter(processed_at=None).delete()
        return OPERATIONS[operation].stage(self.world)

    def _one_after_the_other(self, pair: Pair) -> list[Facts]:
        return [self._in_turn(pair.operation, pair.first, pair.second),
                self._in_turn(pair.operation, pair.second, pair.first)]  # fmt: skip

    def _in_turn(self, operation: str, *verbs: str) -> Facts:
        s = self._stage(operation)
        for verb in verbs:
            attempt(VERBS[verb], s, s.now)
        self.world.errors.clear()
        self.world.resume(s, s.now)
        found = once_cancelled(facts(s))
        s.over()
        return found

    def _boundaries(self, operation: str, verb: str, mode: str) -> list[Boundary]:
        with mutex_mode(mode), watching() as watch:
            s = self._stage(operation)
            watch.seen.clear()
            attempt(VERBS[verb], s, s.now)
        self.world.errors.clear()
        s.over()
        return watch.seen

    def stops(self, pair: Pair, mode: str) -> list[int]:
        """The boundaries of the first alone at which it is worth stopping, found in a dry run."""
        return [b.number for b in self.boundaries(pair.operation, pair.first, mode) if stops_at(b, mode)]

    def at_every_stop(self, pair: Pair, mode: str) -> list[Race]:
        return [Race(pair, number, mode) for number in self.stops(pair, mode)]

    def walk(self, pair: Pair) -> Iterator[Violation | None]:
        """Under the mutex. Where the second is sent away it changes nothing: the first goes on to the next boundary in the
        same race; where it comes through, another race starts from there."""
        numbers = self.stops(pair, MUTEX)
        number: int | None = 0
        while number is not None:
            reached, violation = self._play(Race(pair, number, MUTEX, onward=number > 0))
            yield violation
            number = next((n for n in numbers if n > max(reached, number)), None)

    def run(self, race: Race) -> Violation | None:
        """Play one race; returns what is wrong afterwards."""
        return self._play(race)[1]

    def _play(self, race: Race) -> tuple[int, Violation | None]:
        with mutex_mode(race.mode):
            allowed = self.one_after_the_other(race.pair)
            s = self._stage(race.pair.operation)
            story: list[str] = []
            reached = race.boundary
            try:
                reached, wrong = self._meet(race, s, story)
                wrong += self._wrong(s, allowed)
            except ChildHangs as error:
                wrong = [str(error)]
            finally:
                s.over()
        if wrong and _balances():
            self.world.reset()  # later races need books that agree
        return reached, Violation(str(race), story, wrong) if wrong else None

    def _meet(self, race: Race, s: Staged, story: list[str]) -> tuple[int, list[str]]:
        first, second = VERBS[race.pair.first], VERBS[race.pair.second]
        mode, start, onward = race.mode, race.boundary, race.onward
        a = Stopping(
            lambda act: perform(first, s, act),
            lambda b: b.number == start or (onward and b.number > start and stops_at(b, mode)),
        )
        reached, b = start, Ended("", False)
        while stop := a.next_stop():
            reached = int(stop.split(" ", 1)[0])
            child = Child(lambda: perform(second, s))
            if not until_ended_or_blocked(child):
                story.append(f"{first.name} stopped {stop}; {second.name} waits for it")
                a_end, b = a.end(), ended(child.wait(LONGEST_WAIT))
                break
            b = ended(child.wait())
            story.append(f"{first.name} stopped {stop}; {second.name}: {b}")
            if b.acted or b.bugs or not onward:
                a_end = a.end()
                break
            a.go()
        else:
            a_end = a.end()
            b = b if b.sent_away else perform(second, s)  # the first ended before the second could come
        story.append(f"{first.name}: {a_end}; {second.name}: {b}")
        bugs = [*a_end.bugs, *b.bugs]
        bugs += self._ask_again(s, [(first, a_end), (second, b)], story)
        run = self.world.resume(s, s.now)
        story.append(f"the recovery job ran: {run.results or 'nothing to do'}")
        return reached, bugs

    def _ask_again(self, s: Staged, all_of_them: list[tuple[Verb, Ended]], story: list[str]) -> list[str]:
        bugs = []
        for verb, how in all_of_them:
            if how.sent_away:
                again = perform(verb, s)
                story.append(f"{verb.name} again: {again}")
                bugs += again.bugs
        return bugs

    def _wrong(self, s: Staged, allowed: list[Facts]) -> list[str]:
        found = once_cancelled(facts(s))
        if found["bookings"][-1][0] == "CANCELLED":
            allowed = [*allowed, *map(unwarned, allowed)]
        wrong = min((differences(expected, found) for expected in allowed), key=len)
        return [*wrong, *never(s, found), *_balances()]


def once_cancelled(end: Facts) -> Facts:
    """The same with an intent's cancellation counted once: a hold that is found needless when it has just gone is let go
    again, which changes nothing."""
    movements = {key: 1 if key[0] == "cancel_intent" else count for key, count in end["movements"].items()}
    return {**end, "movements": Counter(movements)}


def unwarned(end: Facts) -> Facts:
    """The same without a final warning: trying again and warning are two actions, and a cancellation may come between."""
    beside: dict[str, Counter[str]] = {name: Counter(end[name]) for name in ("events", "mails")}
    for counts in beside.values():
        for kind in [kind for kind in counts if kind.startswith("hold_final_warning")]:
            del counts[kind]
    return {**end, **beside}


def never(s: Staged, found: Facts) -> list[str]:
    """What must not be after any race, whatever one after the other would have led to."""
    wrong = []
    captured = [received for status, _, received in found["stripe_intents"] if status == "succeeded"]
    if len(captured) > 1 or sum(captured) > s.payment.card_amount_cents:
        wrong.append(f"captured more than once or too much: {captured}")
    holds = [status for status, *_ in found["stripe_intents"] if status == "requires_capture"]
    if len(holds) > (0 if found["status"] == "settled" else 1):
        wrong.append(f"{len(holds)} holds on a payment that is {found['status']}")
    if found["unfinished"]:
        wrong.append(f"{found['unfinished']} unfinished decisions")
    return wrong
