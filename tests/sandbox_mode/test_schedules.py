"""The page of jobs in django-q2's table: written, rewritten, aligned with a turned clock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django_q.models import Schedule

from common import clock
from instainstru import schedule_table
from instainstru.schedules import JOBS
from sandbox_mode import walker

pytestmark = pytest.mark.usefixtures("house")


def test_every_job_is_scheduled_once_at_its_next_tick() -> None:
    call_command("sync_schedules", stdout=StringIO())
    rows = {row.name: row for row in Schedule.objects.all()}
    assert set(rows) == {job.name for job in JOBS}
    for job in JOBS:
        row = rows[job.name]
        assert (row.func, row.args, row.repeats) == ("instainstru.schedules.run", repr(job.name), -1)
        assert row.next_run == job.tick_from(row.next_run)
        assert timedelta() <= row.next_run - clock.now() + timedelta(seconds=5) <= job.every + timedelta(seconds=5)
        assert row.calculate_next_run(row.next_run) - row.next_run == job.every


def test_writing_it_again_changes_nothing_and_clears_what_is_gone() -> None:
    schedule_table.sync()
    before = set(Schedule.objects.values_list("pk", flat=True))
    Schedule.objects.create(name="gone", func=schedule_table.FUNCTION)
    Schedule.objects.create(name=JOBS[0].name, func=schedule_table.FUNCTION)
    Schedule.objects.create(name="somebody else's", func="their.module.function")
    assert schedule_table.sync() == {"made": 0, "removed": 1}
    assert set(Schedule.objects.filter(func=schedule_table.FUNCTION).values_list("pk", flat=True)) == before
    assert Schedule.objects.filter(name="somebody else's").exists()


def test_several_may_write_it_at_once() -> None:
    def write(_: int) -> None:
        schedule_table.sync()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert Schedule.objects.count() == len(JOBS)


def test_a_turned_clock_moves_the_ticks_with_it() -> None:
    schedule_table.sync()
    walker.walk(clock.now() + timedelta(hours=5, minutes=7, seconds=13))
    for job in JOBS:
        due = Schedule.objects.get(name=job.name).next_run + clock.offset()
        assert abs(job.tick_from(due) - due) < timedelta(milliseconds=1) or due - job.tick_from(
            due - job.every
        ) < timedelta(milliseconds=1)
        assert due > clock.now() - timedelta(seconds=5)
