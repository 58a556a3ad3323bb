"""docs/api/openapi_examples.json: every request is sent again, and its answer has the shape that the example shows.

`make examples` (WRITE_EXAMPLES=1) writes the file anew; `make openapi` then puts it into the schema.
"""

import json
import os

from .asking import endpoints
from .examples import FILE, Example, differences, example_of, shape
from .fuzzing import STREAMS
from .test_fuzz import who_may
from .world import World


def test_every_example_is_answered_as_it_says(world: World) -> None:
    seen: dict[str, Example] = {}
    for endpoint in endpoints():
        if endpoint not in STREAMS:
            seen[endpoint] = example_of(world, who_may(endpoint), endpoint)
            world.restore()
    if os.environ.get("WRITE_EXAMPLES"):
        FILE.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    told = json.loads(FILE.read_text(encoding="utf-8"))

    assert sorted(told) == sorted(seen), "make examples"
    drifted = {name: differences(shape(told[name]), shape(seen[name])) for name in seen}
    assert {name: lines for name, lines in drifted.items() if lines} == {}, "make examples"
    assert {name: told[name]["status"] for name in seen} == {name: seen[name]["status"] for name in seen}
