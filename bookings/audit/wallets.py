"""Invariant 6: credits add up, a cent is reserved once, frozen credit is never spent, credit is issued once."""

from collections.abc import Iterator

from django.db.models import CharField, Count, Exists, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from bookings.operations._conclusions import SOURCES
from credits.models import CreditEntry, CreditFreeze, CreditLot
from credits.queries import check_everybody
from payments.vocabulary import PaymentStatus

from .packages import packages_add_up
from .scope import Scope, Violation

Kind, Status = CreditEntry.Kind, CreditLot.Status
SPENDING = (Kind.RESERVE, Kind.CONSUME)


def i06_credits_add_up(scope: Scope) -> Iterator[Violation]:
    """Issued = available + reserved + consumed + forfeited + expired + frozen + revoked, for everybody."""
    owner = scope.owner()
    for wrong in check_everybody(user_id=owner):
        yield Violation(6, "credits", wrong)
    lots = CreditLot.objects.filter(owner=owner) if owner else CreditLot.objects.all()
    yield from _reserved_once(scope)
    yield from _frozen_never_spent(scope, lots, owner)
    yield from _issued_once(scope, lots)
    yield from packages_add_up(scope)


def _reserved_once(scope: Scope) -> Iterator[Violation]:
    """What is reserved for a payment is what it reserved and has not used; nothing once it is settled."""
    reserved = CreditLot.objects.filter(reserved_for=OuterRef("pk"), status=Status.RESERVED).order_by()
    cents = reserved.values("reserved_for").annotate(total=Sum("amount_cents")).values("total")
    used = F("credits_released_cents") + F("credits_forfeited_cents") + F("credits_consumed_cents")
    payments = scope.payments().annotate(reserved=Coalesce(Subquery(cents), 0), owed=F("credits_reserved_cents") - used)
    wrong = payments.exclude(reserved=F("owed"))
    for pk, status, found, owed in scope.each(wrong.values_list("pk", "status", "reserved", "owed")):
        settled = " although it is settled" if status == PaymentStatus.SETTLED else ""
        yield Violation(6, f"payment {pk}", f"{found} cents are reserved for it, not {owed}{settled}")


def _frozen_never_spent(scope: Scope, lots: QuerySet[CreditLot], owner: str | None) -> Iterator[Violation]:
    """No lot went from frozen to reserved or used; nothing of an open chargeback can be spent."""
    spent = CreditEntry.objects.filter(kind__in=SPENDING)
    before = CreditEntry.objects.filter(
        lot=OuterRef("lot"), at__lt=OuterRef("at"), kind__in=[Kind.FREEZE, Kind.UNFREEZE]
    )
    last = Subquery(before.order_by("-at", "-id").values("kind")[:1])
    spent = spent.filter(owner=owner) if owner else spent
    frozen = Exists(CreditEntry.objects.filter(lot=OuterRef("lot"), kind=Kind.FREEZE))
    for entry in scope.each(spent.filter(frozen).annotate(last=Coalesce(last, Value(""), output_field=CharField()))):
        if entry.last == Kind.FREEZE:
            yield Violation(6, f"lot {entry.lot_id}", f"{entry.amount_cents} cents were spent while frozen")
    opened = CreditFreeze.objects.filter(payment_id=OuterRef("origin_payment_id"), state=CreditFreeze.State.OPEN)
    loose = lots.filter(status=Status.AVAILABLE).annotate(since=Subquery(opened.values("opened_at")[:1]))
    for lot in scope.each(loose.filter(expires_at__gt=F("since"))):
        message = f"{lot.amount_cents} cents of charged-back payment {lot.origin_payment_id} can be spent"
        yield Violation(6, f"lot {lot.pk}", message)


def _issued_once(scope: Scope, lots: QuerySet[CreditLot]) -> Iterator[Violation]:
    """One issue per booking and reason."""
    issued = lots.filter(source__in=set(SOURCES.values()), issue_key__isnull=False).exclude(origin_payment_id="")
    twice = issued.order_by().values("origin_payment_id", "source").annotate(count=Count("pk")).filter(count__gt=1)
    for row in scope.each(twice):
        yield Violation(6, f"payment {row['origin_payment_id']}", f"{row['source']} was issued {row['count']} times")
