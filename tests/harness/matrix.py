"""Play a whole matrix of cases: workers with a world each, a progress bar, a state to carry on from, a verdict.

A harness gives `play`, which plays all cases of one operation. Workers are processes; they take operations from the
coordinator and tell it every case. What is finished is remembered under the seed and skipped with `--resume`.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import IO, TYPE_CHECKING, Any

from tests.support.environment import SHARED

from .standing import standing_world

if TYPE_CHECKING:
    from .verdicts import Violation
    from .world import World


@dataclass(frozen=True)
class Options:
    """What to play. `sample` is a number of cases for each operation, 0 for all; `case` is one case by its name."""

    seed: int = 1
    sample: int = 0
    case: str = ""


Tell = Callable[["Violation | None"], None]
Play = Callable[["World", str, Options, Tell], int]
"""(world, unit, options, tell) -> how many boundaries or calls the unit has; `tell` is called after every case."""


@dataclass
class Total:
    """What was played."""

    units: int = 0
    boundaries: int = 0
    cases: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


Stand = Callable[[], "AbstractContextManager[World]"]


def main(name: str, play: Play, units: Callable[[], list[str]], counted: str, stand: Stand = standing_world) -> int:
    """The command line of a harness; returns the exit code.

    `units` names what is played, `counted` what each has, `stand` stands a worker's world up.
    """
    words = argparse.ArgumentParser(prog=f"python -m tests.harness.{name}")
    words.add_argument("--only", default="", help="operations whose name contains this")
    words.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 1))
    words.add_argument("--from", dest="start", default="", help="the operation to begin with, or a case to begin at")
    words.add_argument("--sample", type=int, default=0, help="so many cases of each operation, chosen by the seed")
    words.add_argument("--case", default="", help="one case by its name, as a violation prints it")
    words.add_argument("--resume", action="store_true", help="skip what an interrupted run with this seed finished")
    words.add_argument("--workers", type=int, default=int(os.environ.get("TEST_WORKERS") or os.cpu_count() or 1))
    words.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    words.add_argument("--list", action="store_true", help="name the operations and stop")
    given = words.parse_args()
    options = Options(given.seed, given.sample, given.case)
    if given.worker:
        _work(play, options, stand)
        return 0
    wanted = [unit for unit in units() if given.only in unit]
    if given.case:
        wanted = [given.case.rpartition("@")[0]]
    if given.start:
        first = given.start.rpartition("@")[0] or given.start
        wanted = wanted[wanted.index(first) :]
    if given.list:
        print("\n".join(wanted))
        return 0
    state = State(SHARED / f"{name}-{given.seed}-{given.sample}.json", resume=given.resume and not given.case)
    return _coordinate(name, wanted, options, min(given.workers, len(wanted)), state, counted)


class State:
    """What an interrupted run has finished, in a file."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self.done: dict[str, dict[str, Any]] = {}
        if resume and path.exists():
            self.done = json.loads(path.read_text())

    def finished(self, unit: str, result: dict[str, Any]) -> None:
        self.done[unit] = result
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(self.done, indent=1))


# --- The coordinator -------------------------------------------------------------------------------------------------
def _coordinate(name: str, units: list[str], options: Options, workers: int, state: State, counted: str) -> int:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    began, total = time.monotonic(), Total()
    todo: Queue[str] = Queue()
    for unit in units:
        if unit in state.done:
            _add(total, state.done[unit])
        else:
            todo.put(unit)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn(), TextColumn("{task.fields[said]}"))  # fmt: skip
    with Progress(*columns) as progress:
        bar = progress.add_task(name, total=len(units), completed=total.units, said="")
        lock = threading.Lock()

        def listen(worker: subprocess.Popen[str]) -> None:
            _run_worker(worker, todo, lambda said: heard(said))

        def heard(said: dict[str, Any]) -> None:
            with lock:
                total.cases += said.get("case", 0)
                if violation := said.get("violation"):
                    total.violations.append(violation)
                    progress.print(f"[red]!![/] {violation['case']}: {violation['wrong'][0]}", highlight=False)
                if result := said.get("finished"):
                    total.cases -= result["cases"]
                    _add(total, {**result, "violations": []})
                    state.finished(result["unit"], result)
                    progress.advance(bar)
                progress.update(bar, said=f"{total.cases} cases, {len(total.violations)} violations")

        processes = [_start_worker(name, options) for _ in range(workers)]
        threads = [threading.Thread(target=listen, args=(process,), daemon=True) for process in processes]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for process in processes:
                process.terminate()
    total.seconds += time.monotonic() - began
    lost = [process.returncode for process in processes if process.wait() not in (0, -15)]
    return _report(name, total, options, counted, lost)


def _add(total: Total, result: dict[str, Any]) -> None:
    total.units += 1
    total.boundaries += result["boundaries"]
    total.cases += result["cases"]
    total.violations += result["violations"]


def _start_worker(name: str, options: Options) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", f"tests.harness.{name}", "--worker", "--seed", str(options.seed)]
    command += ["--sample", str(options.sample), *(["--case", options.case] if options.case else [])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _run_worker(worker: "subprocess.Popen[str]", todo: "Queue[str]", heard: Callable[[dict[str, Any]], None]) -> None:
    """Give a worker one unit after the other and hear what it says of each."""
    says, hears = worker.stdout, worker.stdin
    assert says
    assert hears
    while True:
        try:
            unit = todo.get_nowait()
        except Empty:
            hears.close()
            return
        try:
            hears.write(unit + "\n")
            hears.flush()
        except BrokenPipeError:
            return
        for line in says:
            if not line.startswith("{"):
                continue
            said = json.loads(line)
            heard(said)
            if "finished" in said:
                break
        else:
            heard({"violation": {"case": unit, "story": [], "wrong": ["its worker died"]}})
            return


def _report(name: str, total: Total, options: Options, counted: str, lost: list[int]) -> int:
    rate = total.cases / total.seconds if total.seconds else 0
    print(
        f"{name}: {total.units} operations, {total.boundaries} {counted}, {total.cases} cases in {total.seconds:.0f} s "
        f"({rate:.1f}/s), seed {options.seed}: {len(total.violations)} violations"
    )
    if lost:
        print(f"Workers ended with {lost}.")
    if not total.violations:
        return 1 if lost else 0
    shortest = min(total.violations, key=lambda v: (len(v["story"]), len(v["wrong"]), v["case"]))
    print("\nThe shortest story:")
    print("\n".join([shortest["case"], *(f"  {line}" for line in shortest["story"])]))
    print("\n".join(f"  !! {line}" for line in shortest["wrong"]))
    print(f"Again: python -m tests.harness.{name} --case '{shortest['case']}' --seed {options.seed}")
    return 1


# --- A worker --------------------------------------------------------------------------------------------------------
def _work(play: Play, options: Options, stand: Stand) -> None:
    out: IO[str] = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints does not get between
    with stand() as world:
        for unit in sys.stdin:
            result = play_unit(
                world, play, unit.strip(), options, lambda said: print(json.dumps(said), file=out, flush=True)
            )
            print(json.dumps({"finished": result}), file=out, flush=True)


def play_unit(
    world: "World", play: Play, unit: str, options: Options, say: Callable[[dict[str, Any]], None] = lambda said: None
) -> dict[str, Any]:
    """Play one unit in an emptied world; what was wrong is in `violations`."""
    from .verdicts import Violation, audited

    violations: list[Violation] = []
    cases, began, boundaries = 0, time.monotonic(), 0

    def tell(violation: Violation | None) -> None:
        nonlocal cases
        cases += 1
        if violation:
            violations.append(violation)
        say({"case": 1, **({"violation": asdict(violation)} if violation else {})})

    world.reset()
    try:
        boundaries = play(world, unit, options, tell)
        wrong = audited(world)
        if wrong:
            tell(Violation(f"{unit}", [f"after {cases} cases the books were looked at"], wrong[:20]))
    except Exception as error:
        tell(Violation(unit, ["the harness itself failed"], [f"{type(error).__name__}: {error}"]))
    return {
        "unit": unit,
        "boundaries": boundaries,
        "cases": cases,
        "seconds": round(time.monotonic() - began, 2),
        "violations": [asdict(violation) for violation in violations],
    }
