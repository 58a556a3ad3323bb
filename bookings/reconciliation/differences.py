"""Differences as rows, and in front of support: one open item per object, closed when the difference has gone."""

from datetime import datetime

from django.db import transaction

from bookings.models import ReconciliationDifference, ReconciliationRun, SupportItem
from bookings.operations._history import ask_support
from payments import gateway

from . import ours
from .causes import BALANCE, Facts, probable_cause

PLATFORM = "platform"
KIND = SupportItem.Kind.LEDGER_DIFFERENCE


def note_difference(
    run: ReconciliationRun, account: str, source: str, *, expected: int | None, found: int | None
) -> None:
    """Write one difference with its probable cause. Reads Stripe for what the object is; changes no money."""
    stripes = {} if source == BALANCE or found is None else gateway.source_of(source, account=account)
    payment = ours.payment_of(account, source, stripes)
    facts = Facts(
        source=source,
        expected_cents=expected,
        found_cents=found,
        booked_as=str(stripes.get("booked_as", "")),
        is_under_way=ours.is_under_way(payment, account),
        is_untold=ours.is_untold(source),
        since=run.since is not None,
    )
    ReconciliationDifference.objects.update_or_create(
        run=run,
        stripe_account=account,
        stripe_source=source,
        defaults={
            "expected_cents": expected,
            "found_cents": found,
            "probable_cause": probable_cause(facts),
            "booking_id": ours.booking_about(payment),
        },
    )


def still_differs(account: str, source: str) -> tuple[bool, int | None, int | None]:
    """Ask Stripe and our ledger about one object again: whether they differ, what we say, what Stripe says."""
    found = gateway.net_of(source, account=account)
    expected = ours.net_by_object(account, [source]).get(source)
    return (found or 0) != (expected or 0), expected, found


def tell_support(run: ReconciliationRun, now: datetime) -> None:
    """Open an item for every difference of a finished run, and close those whose difference has gone."""
    for difference in run.differences.iterator():
        expected, found = difference.expected_cents, difference.found_cents
        with transaction.atomic():
            ask_support(
                kind=KIND,
                cause=cause_of(difference.stripe_account, difference.stripe_source),
                booking_id=difference.booking_id,
                money_at_risk_cents=abs((found or 0) - (expected or 0)),
                now=now,
                detail=f"{difference.probable_cause}. {_says('Our ledger', expected)}, {_says('Stripe', found)}.",
            )
    for item in SupportItem.objects.filter(kind=KIND, closed_at=None).order_by("pk").iterator():
        account, _, source = item.cause.rpartition(":")
        account = "" if account == PLATFORM else account
        if not run.differences.filter(stripe_account=account, stripe_source=source).exists() and _is_gone(
            run, account, source
        ):
            SupportItem.objects.filter(pk=item.pk, closed_at=None).update(closed_at=now)


def _is_gone(run: ReconciliationRun, account: str, source: str) -> bool:
    """A run over everything would have found it; one over the youngest asks about older objects."""
    if run.since is None or source == BALANCE:
        return True
    differs, _, found = still_differs(account, source)
    return found is not None and not differs


def cause_of(account: str, source: str) -> str:
    """What a support item names a difference by."""
    return f"{account or PLATFORM}:{source}"


def _says(who: str, cents: int | None) -> str:
    return f"{who} knows nothing of it" if cents is None else f"{who} says {cents} cents"
