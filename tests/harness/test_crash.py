"""A short run of `make crash`: an operation of every verb, killed somewhere; and proof that the harness would see damage."""

import random

import pytest

from payments import settlement
from payments.movements import NotThere

from .boundaries import Boundary
from .crashes import FORGOTTEN, Case, Crashes
from .registry import OPERATIONS, one_of_each_verb
from .verdicts import Violation, audited
from .world import World

SEED = 7
CHOSEN = one_of_each_verb(SEED)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0, 1])
def test_killed_anywhere_it_ends_as_decided(world: World, share: int) -> None:
    violations: list[Violation] = []
    for operation in CHOSEN[share::2]:
        dice, crashes = random.Random(f"{SEED}:{operation.name}"), Crashes(world, operation)
        doubles: list[Case] = []
        violation = crashes.run(dice.choice(list(crashes.cases(every=False))), doubles=doubles.append)
        violations += [violation] if violation else []
        if doubles and (violation := crashes.run(dice.choice(doubles))):
            violations.append(violation)
    assert not violations, "\n\n".join(map(str, violations))
    assert audited(world) == []


def killed(world: World, operation: str, at: str) -> Violation | None:
    """The operation killed at the boundary described, Stripe forgetting its keys."""
    crashes = Crashes(world, OPERATIONS[operation])
    boundary = next(b.number for b in crashes.boundaries if str(b).startswith(at))
    return crashes.run(Case(operation, boundary, FORGOTTEN))


PAID = "after POST /v1/transfers"


def test_a_payout_is_not_made_twice(world: World) -> None:
    assert killed(world, "cancel locked under 12 h", PAID) is None


def test_without_looking_up_what_exists_the_harness_sees_it_made_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(movement: object) -> None:
        raise NotThere

    monkeypatch.setattr(settlement, "_look_up", blind)
    violation = killed(world, "cancel locked under 12 h", PAID)
    assert violation
    assert any("stripe_transfers" in line for line in violation.wrong)


def test_boundaries_are_found_not_listed(world: World) -> None:
    boundaries: list[Boundary] = Crashes(world, OPERATIONS["cancel last minute"]).boundaries
    posts = [b.what.split("/")[-1] for b in boundaries if b.moment == "after" and b.what.startswith("POST")]
    assert posts == ["capture", "reversals", "transfers"]
    assert len([b for b in boundaries if "commit" in b.what]) >= 2 * (2 + 2 * len(posts))
