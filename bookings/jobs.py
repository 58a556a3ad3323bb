"""The jobs of policy 10. Each handles its bookings one by one: one failure never stops the rest, and running one twice at
once is safe. `instainstru/schedules.py` says when each runs.
"""

import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection

from accounts import account_mail
from common import clock
from common.actors import Actor, job
from common.problems import OperationInProgress, StripeFailed, StripeUnavailable
from payments import instant_payouts

from . import due, operations
from .operations import upkeep

THREADS = 4  # Stripe's pace is shared by all processes; a handful of threads drains a backlog at the limit
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Run:
    """What one run of a job did. `results` counts the answers of what it worked on."""

    name: str
    processed: int = 0
    skipped: int = 0
    failed: int = 0
    results: dict[str, int] = field(default_factory=dict)

    def count(self, result: str) -> None:
        if result != "nothing":
            self.processed += 1
            self.results[result] = self.results.get(result, 0) + 1

    def with_more(self, other: "Run") -> "Run":
        """This run with another one of the same job."""
        for result, count in other.results.items():
            self.results[result] = self.results.get(result, 0) + count
        self.processed, self.skipped = self.processed + other.processed, self.skipped + other.skipped
        self.failed += other.failed
        return self

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "processed": self.processed,
            "skipped": self.skipped,
            "failed": self.failed,
            "results": self.results,
        }


def _each(name: str, ids: Iterable[str], work: Callable[[str], str]) -> Run:
    """Work on every id; somebody else's is skipped, a failure is logged and counted, the rest goes on."""
    run, ids = Run(name), list(ids)

    def one(an_id: str) -> tuple[str, str]:
        try:
            return "done", work(an_id)
        except OperationInProgress:
            return "skipped", an_id
        except (StripeUnavailable, StripeFailed) as error:
            log.warning("job_postponed", job=name, id=an_id, error=str(error))
            return "failed", an_id
        except Exception:
            log.exception("job_failed_on_one", job=name, id=an_id)
            return "failed", an_id

    def in_thread(an_id: str) -> tuple[str, str]:
        try:
            return one(an_id)
        finally:
            connection.close()

    if len(ids) <= THREADS:
        answers = [one(an_id) for an_id in ids]
    else:
        with ThreadPoolExecutor(THREADS, thread_name_prefix=name) as pool:
            contexts = [contextvars.copy_context() for _ in ids]
            answers = list(pool.map(lambda pair: pair[0].run(in_thread, pair[1]), zip(contexts, ids, strict=True)))
    for what, answer in answers:
        if what == "done":
            run.count(answer)
        else:
            setattr(run, what, getattr(run, what) + 1)
    if run.failed:
        log.warning("job_had_failures", **run.as_dict())
    return run


each = _each  # for the jobs of other rooms


def _actor(name: str) -> Actor:
    return job(name)


def process_scheduled_authorizations(now: datetime) -> Run:
    """Holds due now (policy 4.3)."""
    name = "process_scheduled_authorizations"
    work = lambda b: operations.place_hold(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.holds_due(now), work)


def retry_failed_authorizations(now: datetime) -> Run:
    """Declined holds: retries, the T−13 h warning, the T−12 h cancellation (policy 4.3)."""
    name = "retry_failed_authorizations"
    work = lambda b: operations.retry_hold(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.holds_to_retry(now), work)


def check_immediate_auth_timeout(now: datetime) -> Run:
    """The 30-minute limit of an immediate checkout (policy 4.2)."""
    name = "check_immediate_auth_timeout"
    work = lambda b: operations.expire_unpaid(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.checkouts_timed_out(now), work)


def expire_pending_bookings(now: datetime) -> Run:
    """Bookings nobody checked out (policy 10)."""
    name = "expire_pending_bookings"
    work = lambda b: operations.expire_unpaid(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.bookings_abandoned(now), work)


def expire_unpaid_packages(now: datetime) -> Run:
    """Packages nobody paid within 30 minutes (policy 12)."""
    name = "expire_unpaid_packages"
    work = lambda p: operations.expire_package(package_id=p, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.packages_unpaid(now), work)


def expire_entitlements(now: datetime) -> Run:
    """Lessons of packages that were not used in time (policy 12)."""
    name = "expire_entitlements"
    work = lambda p: operations.expire_entitlements(package_id=p, now=now)  # noqa: E731
    return _each(name, due.entitlements_over(now), work)


def capture_completed_lessons(now: datetime) -> Run:
    """24 h after a lesson's end: complete, capture, pay out, resolve a LOCK (policy 4.5)."""
    name = "capture_completed_lessons"
    work = lambda b: operations.capture_lesson(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.captures_due(now), work)


def retry_failed_captures(now: datetime) -> Run:
    """Failed captures of completed lessons: again every 4 h, escalated after 72 h (policy 4.5)."""
    name = "retry_failed_captures"
    work = lambda b: operations.retry_failed_capture(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.captures_to_retry(now), work)


def capture_late_cancellation(now: datetime, booking_id: str) -> Run:
    """On demand: try the capture of one late cancellation again now (policy 10)."""
    name = "capture_late_cancellation"
    work = lambda b: operations.retry_failed_capture(  # noqa: E731
        booking_id=b, actor=_actor(name), now=now, every=timedelta()
    )
    return _each(name, [booking_id], work)


def resolve_undisputed_no_shows(now: datetime) -> Run:
    """Reports nobody disputed for 24 h are confirmed (policy 7)."""
    name = "resolve_undisputed_no_shows"
    work = lambda b: operations.confirm_undisputed(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.no_shows_undisputed(now), work)


def guard_expiring_holds(now: datetime) -> Run:
    """A frozen payment whose hold ends soon: secure the money (policy 4.5)."""
    name = "guard_expiring_holds"
    work = lambda b: operations.secure_funds(booking_id=b, actor=_actor(name), now=now)  # noqa: E731
    return _each(name, due.holds_expiring(now), work)


def resume_unfinished_settlements(now: datetime) -> Run:
    """Carry on every decision that stopped half-way: a crash, an unreachable Stripe (policy 9); and send back the money of
    package lessons that were given back for it (policy 12)."""
    name = "resume_unfinished_settlements"
    run = _each(name, due.plans_to_resume(), lambda plan_id: upkeep.resume_plan(plan_id, now))
    work = lambda p: operations.refund_returned_lessons(package_id=p, actor=_actor(name), now=now)  # noqa: E731
    return run.with_more(_each(name, due.lessons_to_refund(), work))


def finish_instant_payouts(now: datetime) -> Run:
    """Carry on instant payouts that stopped half-way, and give back the fees of those that came back (policy 14)."""
    return _each("finish_instant_payouts", instant_payouts.to_finish(), lambda one: instant_payouts.finish(one, now))


def process_stripe_events(now: datetime) -> Run:
    """Events from Stripe whose own task did not get to them."""
    return _each("process_stripe_events", due.events_to_process(), lambda e: upkeep.handle_stripe_event(e, now))


def send_mails(now: datetime) -> Run:
    """Mails whose own task did not get to them."""
    run = _each("send_mails", due.mails_to_send(now), lambda mail_id: upkeep.deliver_mail(mail_id, now))
    for mail_id in account_mail.waiting(now):
        run.count(account_mail.send(mail_id))
    return run


def write_reminders(now: datetime) -> Run:
    """Remind of lessons 24 hours and 1 hour before them, and of credit a week before it expires."""
    run = Run("write_reminders")
    for kind in due.REMINDERS:
        done = _each(run.name, due.lessons_to_remind(kind, now), lambda b, k=kind: upkeep.remind_of_lesson(b, k, now))  # type: ignore[misc]
        run.with_more(done)
    run.with_more(_each(run.name, due.credits_to_remind(now), lambda lot: upkeep.remind_of_credit(lot, now)))
    return run


def expire_credits(now: datetime) -> Run:
    """Mark credits past their date (policy 8)."""
    run = Run("expire_credits")
    for _ in range(upkeep.expire_credits(now)):
        run.count("expired")
    return run


def evaluate_instructor_tiers(now: datetime) -> Run:
    """The nightly evaluation of commissions (policy 1)."""
    return _each(
        "evaluate_instructor_tiers", due.instructors_to_evaluate(now), lambda i: upkeep.evaluate_instructor(i, now)
    )


def check_payment_health(now: datetime) -> Run:
    """Too many holds overdue, or none succeeding while some are due: tell support (policy 10)."""
    run = Run("check_payment_health")
    for alarm in upkeep.check_payment_health(now):
        run.count(alarm)
    return run


def purge_records(now: datetime) -> Run:
    """Old idempotency keys, webhook triggers and processed events go."""
    run = Run("purge_records")
    for kind, count in upkeep.purge_records(now).items():
        run.results[kind] = count
        run.processed += count
    return run


# --- Tasks for one thing ---------------------------------------------------------------------------------------------
def process_stripe_event(event_id: str) -> str:
    """Process one event from Stripe soon after it came; what cannot be done now is left to `process_stripe_events`."""
    return _answer(lambda: upkeep.handle_stripe_event(event_id, clock.now()))


def send_mail(mail_id: str) -> str:
    """Send one mail soon after it was written; what fails is left to `send_mails`."""
    return _answer(lambda: upkeep.deliver_mail(mail_id, clock.now()))


def _answer(work: Callable[[], str]) -> str:
    try:
        return work()
    except (OperationInProgress, StripeUnavailable, StripeFailed) as error:
        return f"later: {error.code}"
