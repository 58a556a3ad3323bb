"""`manage.py sync_schedules`: write instainstru/schedules.py into django-q2's table. Repeatable."""

from typing import Any

from django.core.management.base import BaseCommand

from instainstru import schedule_table
from instainstru.schedules import JOBS


class Command(BaseCommand):
    help = "Make the job cluster run what instainstru/schedules.py says, when it says."

    def handle(self, *args: Any, **options: Any) -> None:
        done = schedule_table.sync()
        self.stdout.write(f"{len(JOBS)} jobs are scheduled ({done['made']} new, {done['removed']} removed).")
