"""When something is next due: lets a moved clock skip the stretches in which provably nothing is."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Min

from bookings import due
from bookings.models import MailLog
from common import clock
from community.queries import referrals_to_reward
from instainstru.schedules import DAY, JOBS, MINUTE, Job
from payments import instant_payouts
from payments.models import MoneyPlan, Payment, StripeEventInbox
from payments.vocabulary import PaymentStatus
from support.models import DeskAction

HEALTH_WINDOW = timedelta(hours=2)  # check_payment_health looks back so far
STEP = timedelta(microseconds=1)

# What falls due, in the words of the page.
WORDS = {
    "process_scheduled_authorizations": "place a hold on a card",
    "retry_failed_authorizations": "try a declined card again, warn or give up",
    "check_immediate_auth_timeout": "give up a checkout that was not paid in 30 minutes",
    "expire_pending_bookings": "give up a booking nobody checked out",
    "capture_completed_lessons": "charge a lesson and pay its instructor",
    "retry_failed_captures": "try to charge a lesson again",
    "resolve_undisputed_no_shows": "confirm a no-show nobody disputed",
    "guard_expiring_holds": "secure the money of a hold that ends soon",
    "expire_credits": "let a credit expire",
    "resume_unfinished_settlements": "carry on a settlement that stopped half-way",
}


class Agenda:
    """What is next due, asked again and again while the clock walks."""

    def __init__(self) -> None:
        self._resting: dict[str, datetime] = {}

    def next(self, *, after: datetime, until: datetime) -> datetime | None:
        """The first moment in (after, until] at which a job may have something to do."""
        moments = [moment for job in JOBS if (moment := self._moment(job, after)) is not None]
        first = min(moments, default=None)
        return first if first is not None and first <= until else None

    def rest(self, job: Job, moment: datetime) -> None:
        """A job that runs every minute was due and could do nothing: somebody is at it. Look again in 5 minutes."""
        if job.every == MINUTE:
            self._resting[job.name] = moment + 5 * MINUTE

    def _moment(self, job: Job, after: datetime) -> datetime | None:
        since = after + STEP
        if job.every >= DAY:
            return job.tick_from(since)
        when = WAITING.get(job.name) or job.next_due
        if when is None:  # it does not say: whenever it runs it may have something
            return job.tick_from(since)
        falls_due = when(after) if job.name in WAITING else when()  # type: ignore[call-arg]
        if falls_due is None:
            return None
        return job.tick_from(max(falls_due, since, self._resting.get(job.name, since)))


def next_thing_due(now: datetime) -> tuple[datetime, str] | None:
    """When the next thing happens by itself, and what, in words. Daily housekeeping does not count."""
    first: tuple[datetime, str] | None = None
    for job in JOBS:
        if job.name in WORDS and job.next_due is not None and (falls_due := job.next_due()) is not None:
            moment = job.tick_from(max(falls_due, now + STEP))
            if first is None or moment < first[0]:
                first = moment, WORDS[job.name]
    return first


# --- What waits by the machine's clock, as instants of the platform's ------------------------------------------------
def _plans(after: datetime) -> datetime | None:
    first = MoneyPlan.objects.filter(finished_at=None).aggregate(first=Min("next_attempt_at"))["first"]
    return first + clock.offset() if first else None


def _events(after: datetime) -> datetime | None:
    """A stored event to try again; and a hold that Stripe lets go, which makes it tell us."""
    first = StripeEventInbox.objects.filter(processed_at=None).aggregate(first=Min("next_attempt_at"))["first"]
    held = Payment.objects.filter(status=PaymentStatus.AUTHORIZED, capture_before__gt=after)
    instants = [first + clock.offset() if first else None, held.aggregate(first=Min("capture_before"))["first"]]
    return min((instant for instant in instants if instant), default=None)


def _desk_actions(after: datetime) -> datetime | None:
    """What was agreed at the desk and has not been carried out."""
    agreed = DeskAction.objects.filter(state=DeskAction.State.AGREED)
    first = agreed.aggregate(first=Min("next_attempt_at"))["first"]
    return first + clock.offset() if first else None


def _mails(after: datetime) -> datetime | None:
    waiting = MailLog.objects.filter(sent_at=None, attempts__lt=5)
    if waiting.filter(not_before=None).exists():
        return after
    morning: datetime | None = waiting.aggregate(first=Min("not_before"))["first"]
    return max(after, morning) if morning else None


def _health(after: datetime) -> datetime | None:
    """While the last two hours saw a try to place a hold, an alarm may come at any check."""
    tried, succeeded = due.attempts_since(after - HEALTH_WINDOW)
    return after if tried > succeeded or due.overdue_holds(after) else None


def _referrals(after: datetime) -> datetime | None:
    return after if referrals_to_reward(1) else None


def _instant_payouts(after: datetime) -> datetime | None:
    return after if instant_payouts.to_finish() else None


WAITING: dict[str, Callable[[datetime], datetime | None]] = {
    "resume_unfinished_settlements": _plans,
    "process_stripe_events": _events,
    "finish_instant_payouts": _instant_payouts,
    "send_mails": _mails,
    "carry_on_desk_actions": _desk_actions,
    "check_payment_health": _health,
    "reward_referrals": _referrals,
}
