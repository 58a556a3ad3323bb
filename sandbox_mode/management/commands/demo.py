"""`manage.py demo`: the whole story in the terminal, beside a running `make run`. Sandbox mode only."""

import logging
import sys
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from rich.console import Console

from common.problems import Problem, StripeUnavailable
from payments import gateway
from sandbox_mode.demo.plays import PLAYS, STORY
from sandbox_mode.demo.show import perform

WIDTH_OF_A_FILE = 110


class Command(BaseCommand):
    help = (
        "Book, hold, complete, charge and pay out with people of its own, turning the clock; the money after each step; at "
        "the end our ledger beside Stripe's balances. Exit code 1 when they differ. --all plays every outcome."
    )

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="every outcome of the policy, not only the main story")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_MODE:
            raise CommandError("The demo turns the clock and makes people: it runs in sandbox mode only.")
        console = Console(file=cast(IO[str], self.stdout), highlight=False)
        if not console.is_terminal:
            console.width = WIDTH_OF_A_FILE
        logging.disable(logging.INFO)  # what is logged on the way is no part of the story
        try:
            is_right = perform(PLAYS if options["all"] else STORY, console)
        except (StripeUnavailable, gateway.OutcomeUnknown) as trouble:
            raise CommandError(f"The Stripe sandbox does not answer ({trouble}). Is `make run` running?") from trouble
        except DatabaseError as trouble:
            raise CommandError(f"The database does not answer ({trouble}). Is `make run` running?") from trouble
        except Problem as problem:
            raise CommandError(f"Refused: {problem.detail}") from problem
        finally:
            logging.disable(logging.NOTSET)
        if not is_right:
            sys.exit(1)
