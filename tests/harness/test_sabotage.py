"""A short run of `make sabotage`: a protection of every kind gone, each noticed."""

import pytest

from .sabotage_table import SABOTAGES
from .world import World

SHORT = (
    "no fresh read after the lock",
    "as many unfinished plans as people",
    "no fencing",
    "unknown outcomes not looked up",
    "key without attempt",
    "half of T instead of half of P",
    "each retry moves the first failure",
    "slot secured after the money",
)
BY_NAME = {sabotage.name: sabotage for sabotage in SABOTAGES}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_protection_gone_is_noticed(world: World, name: str) -> None:
    sabotage = BY_NAME[name]
    assert sabotage.probe.clean(world) == []
    assert sabotage.noticed(world)


def test_there_are_enough_of_them() -> None:
    assert len(BY_NAME) == len(SABOTAGES) >= 20
