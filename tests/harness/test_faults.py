"""A short run of `make faults`: an operation of every verb meets a fault; and proof that the harness would see damage."""

import random

import pytest

from payments import settlement

from .faulting import SLOW, Case, Faults
from .registry import OPERATIONS, one_of_each_verb
from .verdicts import Violation, audited
from .world import World

SEED = 8
CHOSEN = one_of_each_verb(SEED)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0, 1])
def test_whatever_stripe_does_it_ends_as_decided(world: World, share: int) -> None:
    violations: list[Violation] = []
    for operation in CHOSEN[share::2]:
        faults = Faults(world, operation)
        quick = [case for case in faults.cases() if case.kind != SLOW]
        for case in random.Random(f"{SEED}:{operation.name}").sample(quick, min(1, len(quick))):
            violation = faults.run(case)
            violations += [violation] if violation else []
    assert not violations, "\n\n".join(map(str, violations))
    assert audited(world) == []


def met(world: World, operation: str, call: str, kind: str) -> Violation | None:
    """The operation, with a fault at the first such call."""
    faults = Faults(world, OPERATIONS[operation])
    boundary = next(b.number for b in faults.calls if b.what.endswith(call))
    return faults.run(Case(operation, boundary, kind))


@pytest.mark.parametrize("kind", [SLOW, "500", "500_after", "lost_response until over", "down for two days"])
def test_a_capture_is_made_once_whatever_is_said_of_it(world: World, kind: str) -> None:
    assert met(world, "capture with top-up", "/capture", kind) is None


def test_with_one_key_for_all_tries_the_harness_sees_it_stuck(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe replays a 500 under its key for ever."""
    monkeypatch.setattr(settlement, "_next_generation", lambda movement, lease: movement)
    violation = met(world, "capture with top-up", "/capture", "500")
    assert violation
    assert any("unfinished" in line for line in violation.wrong)
