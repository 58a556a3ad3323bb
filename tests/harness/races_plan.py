"""Which operations can meet on one booking, and at which boundaries: found by trying, and remembered.

At each operation's stage every verb is tried. One that does nothing there cannot share the stage. The operation meets
each of the others as the first and as the second. A verb that has something to do only once the operation is through
meets it as the second, without the mutex: under it, it is sent away until then, and comes afterwards as it would anyway.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.environment import BASE_DIR, SHARED

from .races_play import MUTEX, NO_MUTEX, Pair, Race, Races, perform
from .registry import Operation
from .verbs import VERBS
from .world import Staged, World

DECIDES = ("bookings/policy", "tests/harness/registry.py", "tests/harness/stages.py", "tests/harness/verbs.py")


@dataclass(frozen=True, slots=True)
class Meeting:
    """A pair, and whether the second has nothing to do before the first is through."""

    pair: Pair
    afterwards: bool = False


def meetings(world: World, operation: Operation) -> list[Meeting]:
    """Who can meet on an operation's stage; what an earlier run has found out is not tried again."""
    known = _Memory(operation)
    pairs = known.read() or known.write(_try(world, operation))
    return [Meeting(Pair(operation.name, first, second), afterwards) for first, second, afterwards in pairs]


def plan(races: Races, meeting: Meeting) -> Iterator[Race]:
    """Under the mutex one walk along all boundaries; without it a race at each."""
    if not meeting.afterwards:
        yield Race(meeting.pair, 0, MUTEX, onward=True)
    yield from races.at_every_stop(meeting.pair, NO_MUTEX)


def _try(world: World, operation: Operation) -> list[tuple[str, str, bool]]:
    s = operation.stage(world)
    own = operation.verb.name
    here = _what_acts(world, operation, s, before=())
    s = operation.stage(world)
    perform(operation.verb, s)
    then = [verb for verb in _what_acts(world, operation, s, before=(own,)) if verb not in here]
    pairs = [(own, own, False)]
    pairs += [pair for verb in here if verb != own for pair in ((own, verb, False), (verb, own, False))]
    pairs += [(own, verb, True) for verb in then if verb != own]
    return pairs


def _what_acts(world: World, operation: Operation, s: Staged, *, before: tuple[str, ...]) -> list[str]:
    acting = []
    for verb in VERBS.values():
        if perform(verb, s).acted:
            acting.append(verb.name)
            s.over()
            s = operation.stage(world)
            for earlier in before:
                perform(VERBS[earlier], s)
    s.over()
    return acting


class _Memory:
    """What was found out, in a file of the tests' folder, for these operations, stages and rules.

    That an operation refuses more or less than it did is not noticed: delete the folder to find out again.
    """

    def __init__(self, operation: Operation) -> None:
        digest = hashlib.sha256(operation.name.encode())
        for name in DECIDES:
            place = BASE_DIR / name
            for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
                digest.update(path.read_bytes())
        self._path = SHARED / "meetings" / f"{digest.hexdigest()[:24]}.json"

    def read(self) -> list[tuple[str, str, bool]]:
        return [tuple(pair) for pair in json.loads(self._path.read_text())] if self._path.exists() else []

    def write(self, pairs: list[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(pairs))
        return pairs
