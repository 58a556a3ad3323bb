"""When a job next has something to do: its schedule's ticks, with the stretches skipped in which nothing is due."""

from datetime import datetime, timedelta

from django.db.models import Min

from bookings.models import MailLog
from instainstru.schedules import Job
from payments.models import MoneyPlan, StripeEventInbox

MOMENT = timedelta(microseconds=1)


def _resume() -> datetime | None:
    found: datetime | None = MoneyPlan.objects.filter(finished_at=None).aggregate(first=Min("next_attempt_at"))["first"]
    return found


def _events() -> datetime | None:
    waiting = StripeEventInbox.objects.filter(processed_at=None)
    found: datetime | None = waiting.aggregate(first=Min("next_attempt_at"))["first"]
    return found


def _mails() -> datetime | None:
    """An hour after the first unsent one was written: each mail is a render, and nobody here reads them."""
    first = MailLog.objects.filter(sent_at=None, attempts__lt=5).aggregate(first=Min("created_at"))["first"]
    return first + timedelta(hours=1) if first else None


WAITING = {
    "resume_unfinished_settlements": _resume,
    "process_stripe_events": _events,
    "send_mails": _mails,
    "carry_on_desk_actions": lambda: None,  # nobody works at the desk here
}
SELDOM = {"check_payment_health": timedelta(hours=6)}


def next_tick(job: Job, last: datetime | None, now: datetime) -> datetime | None:
    """The tick at which a job next has something to do; None when nothing waits for it."""
    due = job.next_due or WAITING.get(job.name)
    earliest = max(now, last + MOMENT) if last else now
    if due is None:
        return job.tick_from(last + max(job.every, SELDOM.get(job.name, job.every)) if last else now + job.every)
    wanted = due()
    return job.tick_from(max(wanted, earliest)) if wanted else None
