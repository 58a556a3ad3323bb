"""The three truth tests, through HTTP and the job cluster, on a batch of bookings at once.

Cancel against the capture job; cancel twice; reschedule against the authorization job. Each booking is raced for by two:
a request and a task, or two requests, some random moment apart. Then the jobs come once more, and every booking must have
ended once, with the books equal to Stripe's.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, Queue
from typing import Any

import httpx
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django_q.models import Task
from django_q.tasks import async_task

from bookings import jobs
from bookings.models import Booking
from common import clock
from common.actors import Role
from payments.funding import fund_platform
from payments.models import MoneyMovement, MoneyPlan
from sandbox_mode.people import Person, access_token, make_person
from tests.support.cast import Cast
from tests.support.database import Cleaner

from .verdicts import audited
from .world import World

HOUR = timedelta(hours=1)
ABREAST = 10  # instructors, and as many students; a batch fills as many hours of each as it needs
SENDERS = 8
ALLOWED = {200, 202, 409, 422, 429}
APART = 0.35  # seconds at most between the two
COMPLETED, SPLIT = "lesson_completed_full_payout", "student_cancel_lt12_split_50_50"


@dataclass(frozen=True)
class Truth:
    """A truth test: how far ahead its lessons are booked, when the race is, and who races."""

    name: str
    ahead: float
    race_at: Callable[[datetime, int], datetime]
    task: str
    path: str
    body: Callable[[Booking], dict[str, Any]]
    job: Callable[[datetime], object] | None
    ends: Callable[[Booking], str]


def _settled_as(*outcomes: str) -> Callable[[Booking], str]:
    def ends(booking: Booking) -> str:
        payment = booking.payment
        return "" if payment.settlement_outcome in outcomes else f"{payment.status} {payment.settlement_outcome}"

    return ends


def _locked_and_moved(booking: Booking) -> str:
    moved = Booking.objects.filter(rescheduled_from=booking.pk, status="CONFIRMED").count()
    good = moved == 1 and booking.payment.status == "locked" and booking.status == "CANCELLED"
    return "" if good else f"{booking.status} {booking.payment.status}, moved {moved} times"


TRUTHS = {
    "cancel against capture": Truth(
        "cancel against capture", 2, lambda first, slots: first + (slots + 25) * HOUR, "capture", "cancel",
        lambda booking: {"reason": "Ill"}, jobs.capture_completed_lessons, _settled_as(COMPLETED, SPLIT),
    ),
    "cancel twice": Truth(
        "cancel twice", 13, lambda first, slots: first - 12.9 * HOUR, "", "cancel",
        lambda booking: {"reason": "Ill"}, None, _settled_as("student_cancel_12_24_full_credit"),
    ),
    "reschedule against authorization": Truth(
        "reschedule against authorization", 26, lambda first, slots: first - 13 * HOUR, "place_hold", "reschedule",
        lambda booking: {"starts_at": (booking.starts_at + 96 * HOUR).isoformat()},
        jobs.process_scheduled_authorizations, _locked_and_moved,
    ),
}  # fmt: skip


@dataclass
class Result:
    """What a batch came to."""

    bookings: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Result") -> "Result":
        self.bookings += other.bookings
        self.answers += other.answers
        self.wrong += other.wrong
        return self


class Batch:
    """One emptied world, so many bookings, one race each."""

    def __init__(self, world: World, truth: Truth, size: int, seed: str) -> None:
        self.truth, self.size, self.world, self.sandbox = truth, size, world, world.sandbox
        self.chance = random.Random(seed)
        self.result = Result(size)
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}

    def run(self, half_way: Callable[[], None] = lambda: None) -> Result:
        """Stage, race, let the jobs come once more, look. `half_way` is called in the middle of the races."""
        self._empty()
        bookings = self._stage()
        self._race(bookings, half_way)
        self._again(bookings)
        self.result.wrong += [f"{b.pk}: {ends}" for b in _fresh(bookings) if (ends := self.truth.ends(b))]
        twice = _captured_twice(bookings)
        self.result.wrong += [f"captured {count} times: {payment}" for payment, count in twice]
        self.result.wrong += audited(self.world)
        return self.result

    def _empty(self) -> None:
        Cleaner().empty()
        cache.clear()
        (clock._path()).unlink(missing_ok=True)
        self.sandbox.reset()

    def _stage(self) -> list[Booking]:
        now = clock.now().replace(microsecond=0)
        fund_platform(amount_cents=90_000_000, payment_method="pm_card_bypassPending", now=now, key=f"float:{now}")
        abreast = min(ABREAST, self.size)
        instructors = [make_person(role=Role.INSTRUCTOR, now=now, commission_bps=1200) for _ in range(abreast)]
        students = [make_person(role=Role.STUDENT, now=now, card="pm_card_visa") for _ in range(abreast)]
        self._tokens = {person.user.pk: access_token(person.user) for person in students}
        first = (now + self.truth.ahead * HOUR).replace(minute=0, second=0) + HOUR
        slots = -(-self.size // abreast)
        assert slots <= 10, "a batch has at most ten hours"
        bookings = []
        for number in range(self.size):
            slot, column = divmod(number, abreast)
            cast = _cast(students[(column + slot) % abreast], instructors[column])
            booking = cast.book(first + slot * HOUR, now=now)
            bookings.append(cast.check_out(booking, now=now).booking)
        self._move_to(self.truth.race_at(first, slots))
        return bookings

    def _move_to(self, instant: datetime) -> None:
        if instant > clock.now():
            clock.move_to(instant)
            self.sandbox.control("POST", "clock", to=instant.isoformat())

    def _race(self, bookings: list[Booking], half_way: Callable[[], None]) -> None:
        todo: Queue[tuple[int, Booking]] = Queue()
        for pair in enumerate(bookings):
            todo.put(pair)

        def send() -> None:
            with httpx.Client(base_url=f"{settings.SITE_URL}/api/v1/", timeout=90, trust_env=False) as http:
                while True:
                    try:
                        number, booking = todo.get_nowait()
                    except Empty:
                        break
                    if number == len(bookings) // 2:
                        half_way()
                    self._meet(http, booking)
            connection.close()

        threads = [threading.Thread(target=send) for _ in range(min(SENDERS, len(bookings)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _meet(self, http: httpx.Client, booking: Booking) -> None:
        """A task and a request, or two requests, a random moment apart; a request told to wait comes again."""
        with self._lock:
            wait = self.chance.uniform(0, APART)
        if self.truth.task:
            task = async_task(f"tests.harness.truth_tasks.{self.truth.task}", booking.pk)
            time.sleep(wait)
            self._ask(http, booking)
            self._wait_for(task)
            return
        second = threading.Thread(target=self._ask_alone, args=(booking,))
        second.start()
        time.sleep(wait / 10)
        self._ask(http, booking)
        second.join()

    def _ask_alone(self, booking: Booking) -> None:
        with httpx.Client(base_url=f"{settings.SITE_URL}/api/v1/", timeout=90, trust_env=False) as http:
            self._ask(http, booking)

    def _ask(self, http: httpx.Client, booking: Booking) -> None:
        for _ in range(20):
            answer = http.post(
                f"bookings/{booking.pk}/{self.truth.path}",
                json=self.truth.body(booking),
                headers={"Authorization": f"Bearer {self._tokens[booking.student_id]}"},
            )
            self._note(f"{answer.status_code}")
            if answer.status_code not in ALLOWED:
                self._wrong(f"{booking.pk} was answered {answer.status_code}: {answer.text[:200]}")
            if answer.status_code != 429:
                return
            time.sleep(0.2)
        self._wrong(f"{booking.pk} was told 429 for ever")

    def _wait_for(self, task: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = Task.objects.filter(id=task).first()
            if done:
                self._note("job skipped" if done.success and done.result["skipped"] else "job through")
                if not done.success or done.result["failed"]:
                    self._wrong(f"a task failed: {str(done.result)[:200]}")
                return
            time.sleep(0.05)
        self._wrong("a task was never done")

    def _note(self, answer: str) -> None:
        with self._lock:
            self.result.answers[answer] += 1

    def _wrong(self, what: str) -> None:
        with self._lock:
            self.result.wrong.append(what)

    def _again(self, bookings: list[Booking]) -> None:
        """The jobs come once more: what stopped is carried on, what was skipped is done."""
        MoneyPlan.objects.filter(finished_at=None).update(next_attempt_at=clock.system_now())
        jobs.resume_unfinished_settlements(clock.now())
        if self.truth.job:
            self.truth.job(clock.now())


def _cast(student: Person, instructor: Person) -> Cast:
    return Cast(student, instructor, instructor)


def _fresh(bookings: list[Booking]) -> list[Booking]:
    return list(Booking.objects.select_related("payment").filter(pk__in=[booking.pk for booking in bookings]))


def _captured_twice(bookings: list[Booking]) -> list[tuple[str, int]]:
    done = MoneyMovement.objects.filter(payment__in=[b.payment_id for b in bookings], kind="capture", status="done")
    counts = Counter(done.values_list("payment_id", flat=True))
    return [(payment, count) for payment, count in counts.items() if count > 1]
