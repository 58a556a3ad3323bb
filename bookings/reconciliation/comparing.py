"""Comparing one account: its balance transactions page by page, then the total, then the lists of objects.

Memory is bounded by a page. What our ledger knows of an account is written down first, as differences not compared yet;
every page strikes out what agrees, and what is left in the end Stripe never showed.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice

from django.db import transaction
from django.db.models import Sum

from bookings.models import ReconciliationDifference, ReconciliationRun
from common.ids import new_id
from payments import gateway
from payments.gateway import Fields
from payments.models import LedgerLine

from . import ours
from .causes import BALANCE
from .differences import note_difference, still_differs
from .objects import BY_NAME, TRANSACTIONS

BATCH = 1000
NOT_COMPARED = "Not compared yet"


def expect(run: ReconciliationRun, account: str) -> None:
    """Write down every object of an account that our ledger knows. Must run inside the transaction that moves the cursor."""
    lines = LedgerLine.objects.filter(account=ours.books_of(account)).exclude(stripe_source="")
    if run.since:
        lines = lines.filter(entry__at__gte=run.since)
    nets = lines.values_list("stripe_source").annotate(total=Sum("amount_cents")).exclude(total=0).order_by()
    rows = nets.iterator(BATCH)
    while batch := list(islice(rows, BATCH)):
        ReconciliationDifference.objects.bulk_create(
            [
                ReconciliationDifference(
                    id=new_id(),
                    run=run,
                    stripe_account=account,
                    stripe_source=source,
                    expected_cents=total,
                    probable_cause=NOT_COMPARED,
                )
                for source, total in batch
            ],
            ignore_conflicts=True,
        )


def compare_page(run: ReconciliationRun, account: str, name: str, page: list[Fields]) -> None:
    """Compare one page of a list with our ledger. Repeatable: a page read twice says the same."""
    if name == TRANSACTIONS:
        _compare_transactions(run, account, page)
    else:
        _compare_objects(run, account, name, page)


def _compare_transactions(run: ReconciliationRun, account: str, page: list[Fields]) -> None:
    nets: dict[str, int] = defaultdict(int)
    for booked in page:
        if booked["type"] not in gateway.RESERVES:
            nets[booked["source"] or booked["id"]] += booked["net"]
    expected = ours.net_by_object(account, nets)
    _strike_out(run, account, [source for source, net in nets.items() if expected.get(source, 0) == net])
    for source, net in nets.items():
        if expected.get(source, 0) == net:
            continue
        if source.startswith("txn_"):  # Stripe's own, of no object
            note_difference(run, account, source, expected=expected.get(source), found=net)
        else:  # the rest of it may be on another page, or have been booked this moment
            _look_closely(run, account, source)


def _look_closely(run: ReconciliationRun, account: str, source: str) -> None:
    differs, expected, found = still_differs(account, source)
    if differs:
        note_difference(run, account, source, expected=expected, found=found)
    else:
        _strike_out(run, account, [source])


def _strike_out(run: ReconciliationRun, account: str, agreed: Iterable[str]) -> None:
    run.differences.filter(stripe_account=account, stripe_source__in=list(agreed)).delete()


def look_for_the_rest(run: ReconciliationRun, account: str) -> None:
    """What our ledger knows and no page showed: Stripe does not have it, or it is older than what was compared."""
    left = run.differences.filter(stripe_account=account, probable_cause=NOT_COMPARED)
    while sources := list(left.order_by("pk").values_list("stripe_source", flat=True)[:BATCH]):
        for source in sources:
            _look_closely(run, account, source)


def _compare_objects(run: ReconciliationRun, account: str, name: str, page: list[Fields]) -> None:
    """An object whose balance transactions differ already is not a second difference."""
    objects = BY_NAME[name]
    found = {one["id"]: objects.found(one) for one in page}
    expected = objects.expected(account, found)
    noted = set(run.differences.filter(stripe_account=account, stripe_source__in=list(found)).values_list(
        "stripe_source", flat=True
    ))  # fmt: skip
    for source, cents in found.items():
        if source not in noted and expected.get(source, 0) != cents:
            note_difference(run, account, source, expected=expected.get(source), found=cents)


def compare_total(run: ReconciliationRun, account: str) -> None:
    """The account's balance against our ledger, less what single objects explain. Read twice: money moves meanwhile."""
    with transaction.atomic():
        run.differences.filter(stripe_account=account, stripe_source=BALANCE).delete()
        rows = run.differences.filter(stripe_account=account).values_list("expected_cents", "found_cents")
        explained = sum((found or 0) - (expected or 0) for expected, found in rows.iterator())
    for _ in range(2):
        before = ours.total_of(account)
        found = gateway.balance_total(account=account)
        if found - before == explained or found - ours.total_of(account) == explained:
            return
    note_difference(run, account, BALANCE, expected=before + explained, found=found)


def give_up(run: ReconciliationRun, account: str) -> None:
    """Stripe does not let us read an account: one difference about all of it."""
    run.differences.filter(stripe_account=account).delete()
    note_difference(run, account, BALANCE, expected=ours.total_of(account), found=None)
