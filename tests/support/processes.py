"""Real processes for a while: started, waited for, stopped with everything they started."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from instainstru.run.parts import Part, how_it_ended

SECONDS_TO_COME_UP = 60


@contextmanager
def running(parts: Sequence[Part], *, until: str) -> Iterator[None]:
    """The parts, from the moment that the address `until` answers 200 to the end of the block."""
    started: list[Part] = []
    try:
        for part in parts:
            part.start()
            started.append(part)
        _wait(started, until)
        yield
    finally:
        for part in reversed(started):
            part.stop()


def _wait(parts: Sequence[Part], address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_COME_UP
    answer = ""
    while time.monotonic() < deadline:
        for part in parts:
            if (code := part.exit_code()) is not None:
                raise RuntimeError(f"{part.name} {how_it_ended(code)}:\n{part.last_words(40)}")
        try:
            response = httpx.get(address, timeout=10, trust_env=False)
        except httpx.HTTPError as error:
            answer = str(error)
        else:
            if response.status_code == 200:
                return
            answer = response.text[:500]
        time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer: {answer}\n" + "\n".join(part.last_words() for part in parts))
