"""`make fuzz`: every endpoint as everybody, with requests that fit the schema, that do not, and good ones spoiled.

FUZZ_EXAMPLES (25 for each endpoint, role and kind), FUZZ_SEED (1) and FUZZ_ONLY (part of an endpoint) narrow or widen it.
"""

import os
import sys

import pytest
from schemathesis.generation.modes import GenerationMode

from .fuzzing import Fuzz, attacked
from .world import ROLES, World

EXAMPLES, SEED = int(os.environ.get("FUZZ_EXAMPLES") or 25), int(os.environ.get("FUZZ_SEED") or 1)
CHOSEN = [endpoint for endpoint in attacked() if (os.environ.get("FUZZ_ONLY") or "") in endpoint]


@pytest.mark.parametrize("endpoint", CHOSEN)
def test_whatever_is_sent(world: World, endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    fuzz = Fuzz(world)
    for role in ROLES:
        fuzz.spoiled(role, endpoint)
        for mode in GenerationMode:
            fuzz.generated(role, endpoint, mode, examples=EXAMPLES, seed_=SEED)
        world.restore()
    with capsys.disabled():
        print(f"{endpoint}: {fuzz.sent} requests, {len(fuzz.found)} findings", file=sys.stderr, flush=True)
    assert fuzz.found == []
