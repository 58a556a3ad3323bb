"""The simulated marketplace: its people, its lessons, its clock; acts and jobs happen in it, one after the other."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from bookings.due import booking_of
from bookings.models import Booking
from common.actors import Actor, Role
from common.problems import Problem
from instainstru.schedules import JOBS, Job
from payments.funding import fund_platform
from payments.models import Payment
from sandbox_mode.people import Person, access_token, make_person
from tests.support.database import Cleaner
from tests.support.sandbox import Sandbox

from .acts import DEEDS, DOORS, Act
from .agenda import next_tick
from .courier import Courier
from .ground import LEASE, START, Crash, Ground, Turns, expire_leases, mortal, what_broke
from .trouble import trouble_of_job

RATES = (12000, 12345, 8030, 9999, 16001, 20050)
COMMISSIONS = (800, 1000, 1200, 1500)
ZONES = ("America/New_York", "America/Los_Angeles", "Europe/Madrid", "Asia/Kolkata")
CREDITS = (0, 1500, 9001, 30000)
FLOAT_CENTS = 400_000  # little enough that a payout is refused now and then
SCHEDULE = "schedule"  # who runs jobs; told again, they run by themselves


@dataclass
class Done:
    """An act and what came of it."""

    act: Act
    result: str


@dataclass
class World:
    """Everything that is there. Made anew for every telling of a story."""

    seed: str
    people: int
    sandbox: Sandbox
    ground: Ground = field(default_factory=Ground)
    students: list[Person] = field(default_factory=list)
    instructors: list[Person] = field(default_factory=list)
    staff: list[Person] = field(default_factory=list)
    lessons: dict[int, str] = field(default_factory=dict)  # number of the lesson -> payment
    done: list[Done] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dead_cards: dict[int, str] = field(default_factory=dict)
    storms: list[str] = field(default_factory=list)
    payouts: dict[int, str] = field(default_factory=dict)
    calm: bool = False  # nothing more goes wrong: recovery is watched

    def __post_init__(self) -> None:
        self.courier = Courier(self.seed, self.ground, self.sandbox)
        self._ticked: dict[str, datetime] = {}
        self._leases_end: datetime | None = None
        self._jobs_rest_until = START
        self._next: tuple[datetime, Job] | None = None
        self._stale = True
        self._requests: list[dict[str, Any]] = []
        self._requests_read = 0
        self._newcomers = 0

    # --- How it begins -----------------------------------------------------------------------------------------------
    def begin(self, cleaner: Cleaner) -> None:
        """Empty the database and the sandbox, and let the people in."""
        cleaner.empty()
        cache.clear()
        self.sandbox.reset()
        self.sandbox.control("POST", "clock", frozen=True, to=START.isoformat())
        self.courier.connect()
        now = self.ground.now
        fund_platform(amount_cents=FLOAT_CENTS, payment_method="pm_card_bypassPending", now=now, key="float:1")
        self.students = [self._student(number) for number in range(max(2, self.people * 2 // 3))]
        for number in range(max(1, self.people // 3)):
            rates = [RATES[(number + n) % len(RATES)] for n in range(2)]
            services = [{"name": f"Piano {rate}", "hourly_rate_cents": rate} for rate in rates]
            commission = COMMISSIONS[number % 4]
            self.instructors.append(
                self._person(
                    Role.INSTRUCTOR, number, services=services, commission_bps=commission, founding=commission == 800
                )
            )
        self.staff = [self._person(Role.STAFF, number) for number in range(2)]

    def _student(self, number: int) -> Person:
        credits: list[dict[str, Any]] = [{"amount_cents": CREDITS[number % 4]}] if number % 4 else []
        if number % 8 == 3:
            credits.append({"amount_cents": 4321, "expires_at": self.ground.now + timedelta(days=9, hours=number)})
        return self._person(Role.STUDENT, number, card="pm_card_visa", credits=credits)

    def welcome(self, place: int) -> None:
        """Somebody new takes the place of a student who may not book any more."""
        self._newcomers += 1
        newcomer = self._student(1000 + self._newcomers)
        self.students[place] = newcomer

    def _person(self, role: Role, number: int, **fields: Any) -> Person:
        return make_person(
            role=role, now=self.ground.now, email=f"{role}{number}@example.com", timezone=ZONES[number % 4], **fields
        )

    # --- What is where -----------------------------------------------------------------------------------------------
    def payment(self, lesson: int) -> Payment:
        found: Payment = Payment.objects.get(pk=self.lessons[lesson])
        return found

    def booking_id(self, lesson: int) -> str:
        """The booking that a lesson is now, after all its moves."""
        return booking_of(self.lessons[lesson]) or ""

    def booking(self, lesson: int) -> Booking:
        found: Booking = Booking.objects.select_related("payment").get(pk=self.booking_id(lesson))
        return found

    def user(self, act: Act) -> User:
        if act.who == "staff":
            return self.staff[act.lesson % len(self.staff)].user
        if "student" in act.args:
            return self.students[int(act.args["student"])].user
        payment = Payment.objects.select_related("student", "instructor").get(pk=self.lessons[act.lesson])
        person: User = payment.instructor if act.who == "instructor" else payment.student
        return person

    def actor(self, act: Act) -> Actor:
        return self.user(act).as_actor(DOORS[act.who])

    def values(self, act: Act) -> dict[str, Any]:
        """What an act says, with people and services named as the site knows them."""
        values = {name: value for name, value in act.args.items() if name not in ("student", "instructor", "service")}
        if act.what == "book":
            services = self.instructors[act.args["instructor"]].services
            values |= {"service_id": services[act.args["service"]].pk, "note": f"lesson {act.lesson}"}
        return values

    # --- Acts --------------------------------------------------------------------------------------------------------
    def perform(self, act: Act) -> str:
        """Let it happen, with all that goes wrong beside it; what came of it, in a word."""
        self.move_to(act.at)
        faults = [str(self.sandbox.control("POST", "faults", **fault)["id"]) for fault in act.faults]
        settings.BOOKING_MUTEX = act.mutex
        try:
            if act.beside:
                works = [self._work(one) for one in (act, *act.beside)]
                results = Turns(Random(act.dice)).run(works)
                self.counts["at once"] += 1
            else:
                results = [self._work(act)()]
        finally:
            settings.BOOKING_MUTEX = "postgres"
            self.count_faults(faults)
            for fault_id in faults:
                self.sandbox.control("DELETE", f"faults/{fault_id}")
        self._stale = True
        for one in (act, *act.beside):
            if one.what == "book":
                self._remember_lesson(one.lesson)
        result = " | ".join(results)
        self.done.append(Done(act, result))
        self.courier.collect()
        return result

    def _work(self, act: Act) -> Callable[[], str]:
        return lambda: self._result(act)

    def _result(self, act: Act) -> str:
        deed = DEEDS[act.what]
        try:
            with mortal(act.dies_at):
                if act.door == "api" and deed.request is not None:
                    return self._through_api(act, *deed.request(self, act))
                deed.operation(self, act)
                return "done"
        except Crash as crash:
            self.counts["killed"] += 1
            self._leases_end = self.ground.now + LEASE
            return f"killed at {crash}"
        except Problem as problem:
            return f"refused: {problem.code}"
        except Exception:
            self.wrong.append(f"{act}\n{what_broke()}")
            return "broke"

    def _through_api(self, act: Act, verb: str, path: str, body: dict[str, Any]) -> str:
        self.counts["by HTTP"] += 1
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access_token(self.user(act))}")
        key = f"{act.lesson}:{act.what}:{act.key or act.at.timestamp()}"
        answer = getattr(client, verb)(f"/api/v1/{path}", body, format="json", HTTP_IDEMPOTENCY_KEY=key)
        if answer.status_code >= 500 and answer.status_code not in (502, 503):
            self.wrong.append(f"{act} answered {answer.status_code}: {answer.content.decode()[:500]}")
        code = answer.json().get("code", "") if answer.status_code >= 400 else ""
        return f"refused: {code}" if code else "done"

    def count_faults(self, faults: list[str]) -> None:
        """How often these faults have struck."""
        for fault in self.sandbox.control("GET", "faults")["data"] if faults else ():
            if fault["id"] in faults:
                self.counts[f"fault {fault['kind']}"] += fault["hits"]

    def _remember_lesson(self, lesson: int) -> None:
        payment = Booking.objects.filter(note=f"lesson {lesson}").values_list("payment_id", flat=True).first()
        if payment:
            self.lessons[lesson] = payment

    # --- Time --------------------------------------------------------------------------------------------------------
    def move_to(self, instant: datetime) -> None:
        """Site and Stripe, together."""
        if instant > self.ground.now:
            self.ground.now = instant
            self.sandbox.control("POST", "clock", to=instant.isoformat())

    def run_until(self, until: datetime) -> None:
        """Let jobs run and events arrive as they come due."""
        while True:
            moment, what = self._coming()
            if what is None or moment is None or moment > until:
                break
            self.move_to(moment)
            what()
            self._stale = True
        self.move_to(until)

    def _coming(self) -> tuple[datetime | None, Callable[[], Any] | None]:
        if self._stale:
            ticks = [(next_tick(job, self._ticked.get(job.name), self.ground.now), job) for job in JOBS]
            due = [(max(at, self._jobs_rest_until), number) for number, (at, _) in enumerate(ticks) if at]
            self._next = (lambda pair: (pair[0], JOBS[pair[1]]))(min(due)) if due else None
            self._stale = False
        coming: list[tuple[datetime, int, Callable[[], Any]]] = []
        if self._next:
            at, job = self._next
            coming.append((at, 2, lambda: self.run_job(job)))
        if self._leases_end:
            coming.append((self._leases_end, 0, self._end_leases))
        if (at_door := self.courier.next_at()) is not None:
            coming.append((at_door, 1, lambda: self.wrong.extend(self.courier.deliver())))
        if not coming:
            return None, None
        at, _, what = min(coming, key=lambda one: one[:2])
        return at, what

    def _end_leases(self) -> None:
        expire_leases()
        self._leases_end = None

    def rest_jobs(self, hours: float) -> None:
        """The job cluster is down."""
        self._jobs_rest_until = self.ground.now + timedelta(hours=hours)

    def run_job(self, job: Job) -> None:
        """One run, at its tick; sometimes Stripe fails in it, it is killed, or it runs twice at once."""
        now = self.ground.now
        self._ticked[job.name] = now
        trouble = trouble_of_job(self.seed, job.name, now, calm=self.calm)
        act = Act(now, "job", who=SCHEDULE, args={"name": job.name}, faults=trouble.faults, dies_at=trouble.dies_at)
        if trouble.twice:
            act = replace(act, beside=(act.alone(),), dice=f"{self.seed}{now}")
        self.counts["jobs"] += 1
        self.perform(act)
        if self.ground.complaints:
            self.wrong += self.ground.complaints
            self.ground.complaints.clear()

    # --- How a day ends ----------------------------------------------------------------------------------------------
    def close_day(self) -> list[str]:
        """All faults stop; one pass of the recovery job; then everything is checked. What is wrong."""
        from .checks import look_at_everything, recover

        self.calm = True
        if self.storms:
            self.perform(Act(self.ground.now, "stripe_up", who="bank"))
        self._jobs_rest_until = self.ground.now
        self.move_to(self.ground.now + LEASE)
        self._end_leases()
        unfinished = recover(self)
        self.calm = False
        wrong, self.wrong = self.wrong, []
        return wrong + unfinished + look_at_everything(self)

    def requests(self) -> list[dict[str, Any]]:
        """Every keyed request that Stripe has seen."""
        more = True
        while more:
            page = self.sandbox.control("GET", f"requests?after={self._requests_read}&limit=10000")
            self._requests += [request for request in page["data"] if request["idempotency_key"]]
            self._requests_read, more = page["last"], page["has_more"]
        return self._requests

    def end(self) -> None:
        connection.close()
