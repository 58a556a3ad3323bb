"""Turn the clock: site, jobs and Stripe sandbox walk to a new time together, and everything due on the way happens.

At each moment at which a schedule falls due its job runs with exactly that moment, and webhooks arrive; stretches in which
nothing is due are skipped. What waits by the machine's own clock (retries) counts the skipped time as waited.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from common import clock
from common.problems import Conflict, Invalid
from instainstru import schedule_table
from instainstru.schedules import BY_NAME, DAY, JOBS, Job
from payments.models import MoneyPlan, StripeEventInbox

from .agenda import Agenda
from .quiet import Quiet
from .stripe_side import StripeSide, stripe_side

LOCK = 7_310_002  # PostgreSQL advisory lock: one walk at a time
FURTHEST = timedelta(days=800)
PAUSE_SECONDS, RENEW_SECONDS = 120, 30  # how long the cluster's schedules rest, and when that is renewed
AGREE = timedelta(seconds=0.5)
JOB_NAMES = tuple(BY_NAME)
TRIES = 5  # of a job some of whose bookings somebody else was busy with


class WalkInProgress(Conflict):
    code, title = "clock_in_motion", "Somebody else is turning the clock; try again when it stands"
    remedy = "Wait a moment and turn it again."


@dataclass(frozen=True, slots=True)
class Ran:
    """A job's run at a moment of the walk."""

    name: str
    at: datetime
    processed: int


@dataclass(slots=True)
class Walk:
    """What happened on the way. `webhooks` counts the events that arrived, `waiting` what could not come to rest."""

    now: datetime
    jobs: list[Ran] = field(default_factory=list)
    webhooks: int = 0
    waiting: dict[str, int] = field(default_factory=dict)


def walk(to: datetime, *, run_jobs: bool = True) -> Walk:
    """Move both clocks to an instant, with everything due until then done on the way; or, without jobs, just move them.

    Raises Invalid for an instant in the past or more than FURTHEST ahead, WalkInProgress, and StripeUnavailable.
    """
    now = clock.now()
    if to < now:
        raise Invalid(f"It is {now:%Y-%m-%dT%H:%M:%SZ}: time never runs backwards.", errors={"to": ["Is in the past."]})
    if to > now + FURTHEST:
        raise Invalid("Too far ahead.", errors={"to": [f"At most {FURTHEST.days} days ahead."]})
    with _alone(), stripe_side() as stripe, _schedules_at_rest() as rest:
        began = clock.system_now()
        steps = _Steps(stripe, rest)
        to = max(to, stripe.now())  # turned by its own controls: the site catches up with it
        if run_jobs:
            steps.walk(to)
        steps.move(to)
        result = Walk(clock.now(), steps.ran)
        if run_jobs:
            result.waiting = steps.quiet.settle(clock.now(), tasks=True)
            result.webhooks = StripeEventInbox.objects.filter(received_at__gte=began).count()
            result.now = clock.now()
    return result


def run_job(name: str, now: datetime) -> dict[str, Any]:
    """Run one job now; what it did. Raises KeyError for an unknown name."""
    return BY_NAME[name].run(now).as_dict()


def settle() -> dict[str, Any]:
    """Wait until no webhook and no task is pending: how many events arrived meanwhile, and what still waits."""
    began = clock.system_now()
    with stripe_side() as stripe:
        waiting = Quiet(stripe).settle(clock.now(), tasks=True)
    arrived = StripeEventInbox.objects.filter(received_at__gte=began).count()
    return {"now": clock.now(), "webhooks": arrived, "quiet": not any(waiting.values()), "waiting": waiting}


class _Steps:
    """The moments of one walk."""

    def __init__(self, stripe: StripeSide, rest: "_Rest") -> None:
        self._stripe, self._rest = stripe, rest
        self._agenda = Agenda()
        self.quiet = Quiet(stripe)
        self.ran: list[Ran] = []

    def walk(self, to: datetime) -> None:
        """From now to the last moment before `to` at which something is due."""
        position = clock.now()
        self.quiet.settle(position)
        while (moment := self._agenda.next(after=position, until=to)) is not None:
            self._rest.renew()
            self.move(moment)
            self._run(moment)
            self.quiet.settle(moment)
            position = moment

    def move(self, instant: datetime) -> None:
        """Both clocks to an instant, and what waits by the machine's clock nearer by as much. Never backwards."""
        before = clock.offset()
        if instant > clock.now():
            clock.move_to(instant)
        if (ahead := self._stripe.move_to(clock.now()) - clock.now()) > AGREE:
            clock.move_to(clock.now() + ahead)
        skipped = clock.offset() - before
        if skipped:
            for waiting in (
                MoneyPlan.objects.filter(finished_at=None),
                StripeEventInbox.objects.filter(processed_at=None),
            ):
                waiting.update(next_attempt_at=F("next_attempt_at") - skipped)

    def _run(self, moment: datetime) -> None:
        """Every job whose tick this is, in the order of their page."""
        for job in JOBS:
            if job.tick_from(moment) == moment:
                self._run_one(job, moment)

    def _run_one(self, job: Job, moment: datetime) -> None:
        processed = 0
        for _ in range(TRIES):
            run = job.run(moment)
            processed += run.processed
            if not run.skipped:
                break
            self.quiet.settle(moment)  # a webhook's task held the booking: let it finish
        if run.skipped or run.failed:
            self._agenda.rest(job, moment)
        if processed or run.failed or run.skipped or job.every >= DAY:
            self.ran.append(Ran(job.name, moment, processed))


class _Rest:
    """Keeps the cluster's schedules at rest during a walk, a little at a time: a killed walk does not stop them."""

    def __init__(self) -> None:
        self._rest()

    def renew(self) -> None:
        if clock.system_now() - self._since > timedelta(seconds=RENEW_SECONDS):
            self._rest()

    def _rest(self) -> None:
        self._since = clock.system_now()
        schedule_table.pause(PAUSE_SECONDS)


@contextmanager
def _schedules_at_rest() -> Iterator[_Rest]:
    try:
        yield _Rest()
    finally:
        schedule_table.align()


@contextmanager
def _alone() -> Iterator[None]:
    """One walk at a time, on a connection of its own: the lock goes with it, whatever happens. Raises WalkInProgress."""
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                raise WalkInProgress()
        yield
    finally:
        own.close()
