"""Our ledger against Stripe's books, through its API alone: for the platform and every connected account (invariant 2).

Paged and resumable: a run's cursors say how far it came, and the next run carries on there. Differences become rows and
items for support; no money ever moves here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from bookings.jobs import Run
from bookings.models import ReconciliationRun
from payments import gateway
from payments.models import ConnectAccount

from . import comparing
from .differences import tell_support
from .objects import TRANSACTIONS, names_for

PAGE = 100
LOCK = 7_310_002  # PostgreSQL advisory lock: one reconciliation at a time
DONE = "done"
Progress = Callable[[str, ReconciliationRun], None]
log = structlog.get_logger(__name__)


def reconcile_with_stripe(now: datetime) -> Run:
    """The daily job: everything, from the beginning of the books (policy 10)."""
    run = Run("reconcile_with_stripe")
    done = reconcile(now=now)
    if done is None:
        run.skipped += 1
        return run
    run.processed, run.failed = done.read_count, int(done.finished_at is None)
    run.results = {"differences": done.difference_count}
    return run


def reconcile(
    *, now: datetime, since: datetime | None = None, progress: Progress = lambda account, run: None
) -> ReconciliationRun | None:
    """Compare everything (younger than `since`), carrying on a run that was killed; None while another one is at it.

    When Stripe cannot be read the run stays unfinished and the next one carries it on.
    """
    if not _take_lock():
        return None
    try:
        run = ReconciliationRun.objects.filter(finished_at=None, since=since).order_by("started_at").last()
        run = run or ReconciliationRun.objects.create(since=since, started_at=now)
        try:
            _compare_everything(run, progress)
            _finish(run, now)
        except gateway.OutcomeUnknown as unknown:
            log.warning("reconciliation_postponed", run=run.pk, error=str(unknown))
        return run
    finally:
        _give_lock_back()


def _compare_everything(run: ReconciliationRun, progress: Progress) -> None:
    account: str | None = run.cursors.get("account", "")
    while account is not None:
        progress(account, run)
        try:
            _compare_account(run, account, progress)
        except gateway.Declined as refusal:
            if not account:
                raise gateway.OutcomeUnknown(f"Stripe refuses to be read: {refusal.message}") from refusal
            log.error("account_not_readable", account=account, error=refusal.message)
            comparing.give_up(run, account)
        account = _next_account(account)
        _move(run, account=account, list=None, after="")


def _compare_account(run: ReconciliationRun, account: str, progress: Progress) -> None:
    """Every list of one account from where the cursor stands; what no page showed, and the total, after the first."""
    names = names_for(account)
    if run.cursors.get("list") is None:
        with transaction.atomic():
            comparing.expect(run, account)
            _move(run, account=account, list=names[0], after="")
    for name in names[names.index(run.cursors["list"]) :]:
        if run.cursors["list"] != name:
            _move(run, account=account, list=name, after="")
        _compare_list(run, account, name, progress)
        if name == TRANSACTIONS:
            comparing.look_for_the_rest(run, account)
            comparing.compare_total(run, account)


def _compare_list(run: ReconciliationRun, account: str, name: str, progress: Progress) -> None:
    since = int((run.since - timedelta(seconds=1)).timestamp()) if run.since else 0
    more = run.cursors["after"] != DONE
    while more:
        after = run.cursors["after"]
        page, more = gateway.page(name, account=account, after=after, since=since, limit=PAGE)
        comparing.compare_page(run, account, name, page)
        run.read_count += len(page)
        _move(run, account=account, list=name, after=page[-1]["id"] if more else DONE)
        progress(account, run)


def _move(run: ReconciliationRun, **cursors: Any) -> None:
    """Remember how far the run came: a killed one is carried on from here."""
    run.cursors = {**run.cursors, **cursors}
    run.save(update_fields=["cursors", "read_count"])


def _next_account(account: str) -> str | None:
    """The connected account after this one, the platform's own ("") being the first; None after the last."""
    later = ConnectAccount.objects.filter(stripe_account_id__gt=account).order_by("stripe_account_id")
    found: str | None = later.values_list("stripe_account_id", flat=True).first()
    return found


def _finish(run: ReconciliationRun, now: datetime) -> None:
    tell_support(run, now)
    run.difference_count = run.differences.count()
    run.finished_at = now
    run.save(update_fields=["difference_count", "finished_at"])
    log.info("reconciled", run=run.pk, read=run.read_count, differences=run.difference_count)


def _take_lock() -> bool:
    """Held by the connection: a killed process gives it back by dying."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _give_lock_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


__all__ = ["reconcile", "reconcile_with_stripe"]
