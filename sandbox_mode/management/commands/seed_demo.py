"""`manage.py seed_demo`: demo people and a few lessons, when nobody is here yet. Sandbox mode only."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from common import clock
from sandbox_mode import seed


class Command(BaseCommand):
    help = "Fill an empty marketplace with demo people and lessons; does nothing when there is anybody."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_MODE:
            raise CommandError("Demo data exists in sandbox mode only.")
        if User.objects.exists():
            self.stdout.write("There are people already: nothing was added.")
            return
        made = seed.fill(clock.now())
        self.stdout.write(f"Made {made['people']} people and {made['lessons']} lessons. Everybody's password: sandbox.")
