"""A line for every step, with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(name: str) -> Iterator[list[str]]:
    """Time what happens inside and print a line at its end; words put into the list are printed behind the name."""
    words: list[str] = []
    began = time.monotonic()
    yield words
    say(f"  {time.monotonic() - began:5.1f} s  {name:<16} {' '.join(words)}")


def say(line: str) -> None:
    """Print a line at once."""
    print(line.rstrip(), flush=True)
