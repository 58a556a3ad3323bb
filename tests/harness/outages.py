"""The second half of `make faults`: PostgreSQL is stopped hard in the middle of an operation and comes back; the cluster
that runs the jobs is killed in the middle of one.

On a database server of its own, with the durable settings of production.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from instainstru.run.postgres import EmbeddedPostgres

from .crash import operations
from .matrix import Options, Tell, main
from .standing import standing_world

if TYPE_CHECKING:
    from .crashes import Crashes
    from .registry import Operation
    from .world import World

CLUSTER = "the cluster is killed"
ROUNDS, LESSONS = 4, 6
SAMPLE = 3  # boundaries of each operation, when not told: a restart of the server takes its time


class Server:
    """A PostgreSQL that can be stopped as by a power cut of its process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="instainstru-outage-"))
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self.postgres.prepare()
        self.start()

    def start(self) -> None:
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.postgres.argv(),
                **self.postgres.identity(),
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self.postgres.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not come back; see {self.folder}")
            time.sleep(0.02)

    def stop_hard(self) -> None:
        """`pg_ctl stop -m immediate`: no checkpoint, nobody is waited for; the next start recovers from the log."""
        assert self._process
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)

    def close(self) -> None:
        self.stop_hard()
        shutil.rmtree(self.folder, ignore_errors=True)


_server: Server | None = None


@contextmanager
def standing() -> "Iterator[World]":
    """A world on a server of its own."""
    global _server
    _server = Server()
    try:
        with standing_world(_server.postgres.url("postgres")) as world:
            yield world
    finally:
        _server.close()


def crashes_of(world: "World", operation: "Operation") -> "Crashes":
    """Crashes, where the process lives on and the database does not."""
    from django.db import connections

    from .boundaries import Boundary, at, watching
    from .crashes import Crashes
    from .world import Staged

    def restart(boundary: Boundary) -> None:
        assert _server
        _server.stop_hard()
        _server.start()

    class Outages(Crashes):
        def interrupt(self, s: Staged, boundary: int) -> str:
            try:
                with watching(at(boundary, restart)) as watch:
                    self.operation.verb.run(s, s.now)
            except Exception:
                pass  # what the process says of it is its own affair; what became of the money is ours
            finally:
                connections.close_all()
                self.world.errors.clear()
            return "" if len(watch.seen) > boundary else "the boundary was not reached"

    return Outages(world, operation)


def play(world: "World", unit: str, options: Options, tell: Tell) -> int:
    """One operation with the database stopped at some of its boundaries; or the cluster killed in the middle of a job."""
    if unit == CLUSTER:
        return _cluster_killed(world, options, tell)
    from .crashes import JOBS, parse_case
    from .registry import OPERATIONS

    outages = crashes_of(world, OPERATIONS[unit])
    if options.case:
        tell(outages.run(parse_case(options.case)))
        return len(outages.boundaries)
    cases = [case for case in outages.cases() if case.world == JOBS]
    count = min(options.sample or SAMPLE, len(cases))
    for case in random.Random(f"{options.seed}:{unit}").sample(cases, count):
        tell(outages.run(case))
    return len(outages.boundaries)


def _cluster_killed(world: "World", options: Options, tell: Tell) -> int:
    """Lessons are captured by the cluster, which is killed with all its workers; another one goes on."""
    from .facts import facts
    from .registry import OPERATIONS
    from .verdicts import References, Violation, wrong_with

    operation, dice = OPERATIONS["capture with top-up"], random.Random(options.seed)
    expected = References(world, operation).alone
    held_again = References(
        world, OPERATIONS["capture with the hold gone unnoticed"]
    ).alone  # the first ones wait for days
    for number in range(ROUNDS):
        lessons = [operation.stage(world) for _ in range(LESSONS)]
        now = max(lesson.now for lesson in lessons)
        after = dice.uniform(0.0, 0.5)
        _run_cluster("bookings.jobs.capture_completed_lessons", now, seconds=after)
        settled = sum(facts(lesson, at_stripe=False)["status"] == "settled" for lesson in lessons)
        story = [f"the cluster was killed {after:.2f} s into the job, with {settled} of {LESSONS} lessons settled"]
        for lesson in lessons:
            world.resume(lesson, now)
            operation.verb.run(lesson, now)
            wrong = wrong_with(lesson, expected, held_again)
            tell(Violation(f"{CLUSTER}@{number}", story, wrong) if wrong else None)
    return ROUNDS


def _run_cluster(task: str, *args: Any, seconds: float) -> None:
    """A cluster takes the task up and is killed, with its workers, so many seconds after it has begun to decide."""
    from django.conf import settings as django_settings
    from django_q.tasks import async_task

    from instainstru import settings
    from instainstru.run.site import Site
    from payments.models import MoneyPlan

    assert django_settings.configured
    decided = MoneyPlan.objects.count()
    async_task(task, *args)
    part = Site(settings, os.environ["DATABASE_URL"]).cluster_part()
    began = part.start()
    deadline = time.monotonic() + 60
    while MoneyPlan.objects.count() == decided and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(seconds)
    os.killpg(began.pid, signal.SIGKILL)
    part.stop()


def units() -> list[str]:
    """The cluster, and every operation with the database gone."""
    return [CLUSTER, *operations()]


if __name__ == "__main__":
    sys.exit(main("outages", play, units, "boundaries", standing))
