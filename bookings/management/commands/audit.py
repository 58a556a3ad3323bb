"""`manage.py audit`: every invariant of docs/invariants.md, one line each."""

import sys
from contextlib import nullcontext
from itertools import islice
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from bookings.audit import CHECKS, TITLES, Scope
from bookings.models import Booking
from payments import gateway

WIDTH_OF_A_FILE = 140
SHOWN = 50  # violations of one invariant that are explained one by one


class Command(BaseCommand):
    help = (
        "Hold the database, and Stripe through its API, against the twelve invariants of docs/invariants.md. Changes "
        "nothing. Exit code 1 when one does not hold, 2 when Stripe could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-stripe", action="store_true", help="our own books only")
        parser.add_argument("--booking", metavar="ID", help="one booking and everything that hangs on it")
        parser.add_argument(
            "--busy", action="store_true", help="decisions are under way: what is unfinished now is no violation"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=cast(IO[str], self.stdout), highlight=False, markup=False)
        if not console.is_terminal:
            console.width = WIDTH_OF_A_FILE
        try:
            scope = Scope.of(
                options["booking"], with_stripe=not options["no_stripe"], quiet=not options["busy"], requests=[]
            )
        except Booking.DoesNotExist as unknown:
            raise CommandError(f"There is no booking {options['booking']}.") from unknown
        try:
            wrong = sum(_check(number, scope, console) for number in CHECKS)
        except (gateway.OutcomeUnknown, gateway.Declined) as trouble:
            raise CommandError(
                f"Stripe could not be read: {trouble}. Try again, or --no-stripe.", returncode=2
            ) from trouble
        console.print(f"{wrong} violations." if wrong else "All twelve hold.")
        if wrong:
            sys.exit(1)


def _check(number: int, scope: Scope, console: Console) -> int:
    """One invariant: its line, and what violates it. Returns how many do."""
    found = CHECKS[number](scope)
    with console.status(f"{number:>2} {TITLES[number]} …") if console.is_terminal else nullcontext():
        explained = list(islice(found, SHOWN))
        count = len(explained) + sum(1 for _ in found)
    console.print(f"{'✗' if count else '✓'} {number:>2}  {TITLES[number]:<52} {count:>5}")
    for violation in explained:
        console.print(f"        {violation.subject}: {violation.message}", soft_wrap=True)
    if count > SHOWN:
        console.print(f"        and {count - SHOWN} more")
    return count
