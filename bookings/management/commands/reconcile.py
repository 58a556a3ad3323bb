"""`manage.py reconcile`: our ledger against Stripe's books, object by object and account by account."""

import sys
from datetime import UTC, datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bookings.models import ReconciliationRun
from bookings.reconciliation import reconcile
from common import clock
from payments.models import ConnectAccount

WIDTH_OF_A_FILE = 140


class Command(BaseCommand):
    help = (
        "Compare our ledger with Stripe's balance transactions, charges, transfers, refunds, disputes and payouts, for the "
        "platform and every connected account. Carries on a run that was stopped. Differences become rows in the admin and "
        "items for support; no money moves. Exit code 1 when there are differences, 2 when Stripe could not be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", help="only what is younger: ISO 8601, for example 2026-09-01T00:00Z (UTC unless said)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = _instant(options["since"]) if options["since"] else None
        console = Console(file=cast(IO[str], self.stdout), highlight=False)
        if not console.is_terminal:
            console.width = WIDTH_OF_A_FILE
        run = _with_progress(console, since)
        if run is None:
            raise CommandError("Another reconciliation is running.")
        if run.finished_at is None:
            raise CommandError(
                "Stripe could not be read. The next run carries on where this one stopped.", returncode=2
            )
        if run.difference_count:
            console.print(_table(run))
        console.print(f"{run.read_count} objects read at Stripe, {run.difference_count} differences.")
        if run.difference_count:
            sys.exit(1)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--since takes an instant like 2026-09-01T00:00Z, not {text!r}.") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _with_progress(console: Console, since: datetime | None) -> ReconciliationRun | None:
    accounts = 1 + ConnectAccount.objects.exclude(stripe_account_id=None).count()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} accounts, {task.fields[read]} objects"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reconciling", total=accounts, read=0)
        seen = ""

        def show(account: str, run: ReconciliationRun) -> None:
            nonlocal seen
            if account != seen:
                seen = account
                done = ConnectAccount.objects.filter(stripe_account_id__lt=account).count() + 1
                bar.update(task, completed=done, description=account)
            bar.update(task, read=run.read_count)

        return reconcile(now=clock.now(), since=since, progress=show)


def _table(run: ReconciliationRun) -> Table:
    table = Table("Object", "Account", "Our ledger", "Stripe", "Probable cause", "Booking", box=None, pad_edge=False)
    for d in run.differences.order_by("stripe_account", "stripe_source").iterator():
        known = ("–" if cents is None else str(cents) for cents in (d.expected_cents, d.found_cents))
        table.add_row(d.stripe_source, d.stripe_account or "platform", *known, d.probable_cause, d.booking_id)
    return table
