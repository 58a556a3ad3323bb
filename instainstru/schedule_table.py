"""The page of jobs, written into django-q2's table: the cluster runs each at its tick of the platform's time."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django_q.models import Schedule

from common import clock

from .schedules import DAY, JOBS, Job

FUNCTION = "instainstru.schedules.run"
LOCK = 7_310_001  # PostgreSQL advisory lock: one writer at a time


def sync() -> dict[str, int]:
    """Make the table say what the page says, whatever it said before; returns how many rows were made and removed."""
    with transaction.atomic():
        _lock()
        ours = Schedule.objects.filter(func=FUNCTION)
        removed, _ = ours.exclude(name__in=[job.name for job in JOBS]).delete()
        made = 0
        for job in JOBS:
            first, *doubles = ours.filter(name=job.name).order_by("pk") or [None]
            for double in doubles:
                double.delete()
            row = first or Schedule(name=job.name)
            made += first is None
            row.func, row.args, row.repeats = FUNCTION, repr(job.name), -1
            row.schedule_type = Schedule.DAILY if job.every == DAY else Schedule.MINUTES
            row.minutes = None if job.every == DAY else job.every // timedelta(minutes=1)
            row.next_run = _next_run(job)
            row.save()
    return {"made": made, "removed": removed}


def align() -> None:
    """The platform's clock was moved: each job is next due at its next tick of the new time."""
    with transaction.atomic():
        _lock()
        by_name = {job.name: job for job in JOBS}
        rows = [row for row in Schedule.objects.filter(func=FUNCTION) if row.name in by_name]
        for row in rows:
            row.next_run = _next_run(by_name[str(row.name)])
        Schedule.objects.bulk_update(rows, ["next_run"])


def pause(seconds: int) -> None:
    """Nothing falls due for the cluster for so long: somebody else runs the jobs meanwhile. `align` ends it."""
    until = clock.system_now() + timedelta(seconds=seconds)
    Schedule.objects.filter(func=FUNCTION).update(next_run=until)


def _next_run(job: Job) -> datetime:
    """The machine's time at which the job's next tick comes."""
    return job.tick_from(clock.now()) - clock.offset()


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
