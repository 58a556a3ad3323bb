"""A short run of `make truth`: the three races through HTTP, a few times, with each mutex."""

from pathlib import Path

import pytest

from .truth_site import MODES, has_redis, site
from .truth_tests import TRUTHS, Batch
from .world import World

TIMES = 5


@pytest.mark.slow
@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("mode", MODES)
def test_every_booking_ends_once(world: World, home: Path, mode: str) -> None:
    if mode == "redis" and not has_redis():
        pytest.skip("redis-server is not installed")
    with site(mode, home) as redis:
        for truth in TRUTHS.values():
            if redis:
                redis.start()
            result = Batch(world, truth, TIMES, f"short:{mode}").run(redis.kill if redis else lambda: None)
            assert result.wrong == [], truth.name
