"""Every job on one page: what runs, and when. `manage.py sync_schedules` writes it into django-q2's table (see admin)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bookings import jobs
from bookings.due import NEXT_DUE
from bookings.jobs import Run
from bookings.reconciliation import reconcile_with_stripe
from community.jobs import reward_referrals
from support.carrying_out import carry_on_desk_actions

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """A job and its pace: every so often from midnight UTC, or daily `at` an hour and minute UTC."""

    run: Callable[[datetime], Run]
    every: timedelta
    at: timedelta = timedelta()
    next_due: Callable[[], datetime | None] | None = None

    @property
    def name(self) -> str:
        return self.run.__name__

    def tick_from(self, instant: datetime) -> datetime:
        """The first moment at or after `instant` at which it runs."""
        steps = -((EPOCH + self.at - instant) // self.every)
        return EPOCH + self.at + steps * self.every


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _job(run: Callable[[datetime], Run], every: timedelta, at: timedelta = timedelta()) -> Job:
    return Job(run, every, at, NEXT_DUE.get(run.__name__))


JOBS = (
    _job(jobs.resume_unfinished_settlements, MINUTE),
    _job(jobs.finish_instant_payouts, MINUTE),
    _job(jobs.process_stripe_events, MINUTE),
    _job(jobs.send_mails, MINUTE),
    _job(carry_on_desk_actions, MINUTE),
    _job(jobs.write_reminders, 5 * MINUTE),
    _job(jobs.process_scheduled_authorizations, 5 * MINUTE),
    _job(jobs.check_immediate_auth_timeout, 5 * MINUTE),
    _job(jobs.expire_pending_bookings, 5 * MINUTE),
    _job(jobs.expire_unpaid_packages, 5 * MINUTE),
    _job(jobs.retry_failed_authorizations, 15 * MINUTE),
    _job(jobs.check_payment_health, 15 * MINUTE),
    _job(jobs.capture_completed_lessons, HOUR),
    _job(jobs.resolve_undisputed_no_shows, HOUR),
    _job(jobs.guard_expiring_holds, HOUR),
    _job(jobs.retry_failed_captures, 15 * MINUTE),  # each payment every 4 h, counted from its own last attempt
    _job(reward_referrals, HOUR),
    _job(jobs.expire_credits, DAY, at=30 * MINUTE),
    _job(jobs.expire_entitlements, DAY, at=45 * MINUTE),
    _job(jobs.evaluate_instructor_tiers, DAY, at=3 * HOUR + 15 * MINUTE),
    _job(reconcile_with_stripe, DAY, at=4 * HOUR),
    _job(jobs.purge_records, DAY, at=5 * HOUR),
)
BY_NAME = {job.name: job for job in JOBS}


def run(name: str) -> dict[str, object]:
    """Run one job now: what django-q2's schedules call. Raises KeyError for an unknown name.

    A run that did something, or failed, leaves a row in the audit trail.
    """
    from accounts import audit_trail
    from common import clock
    from common.actors import Door, Role

    row = {"door": Door.JOB, "operation": name, "actor_role": Role.SYSTEM, "actor_id": name}
    try:
        done = BY_NAME[name].run(clock.now())
    except Exception as error:
        audit_trail.record(**row, status=0, code=type(error).__name__)
        raise
    if done.processed or done.failed:
        audit_trail.record(**row, status=200)
    return done.as_dict()
