"""Invariant 6, for packages: their lessons add up to the price, and each stands where its bookings and money say."""

from collections.abc import Iterator

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from packages.models import Entitlement, Package
from payments.models import MoneyMovement

from .scope import Scope, Violation

S, P = Entitlement.Status, Package.Status
HAD = (P.PAID, P.DISPUTED, P.CHARGED_BACK)


def packages_add_up(scope: Scope) -> Iterator[Violation]:
    """The prices of a package's lessons are its price; it is paid exactly when its card was charged; refunds are whole lessons."""
    packages = _packages(scope)
    summed = packages.annotate(total=Sum("entitlements__price_cents"), count=Count("entitlements"))
    for wrong in scope.each(summed.exclude(total=F("price_cents"), count=F("lesson_count"))):
        yield Violation(6, f"package {wrong.pk}", f"{wrong.count} lessons worth {wrong.total}")
    charged = Q(payment__card_charged_cents__gt=0)
    for package in scope.each(packages.filter(Q(status__in=HAD) & ~charged | Q(status=P.NOT_PAID) & charged)):
        yield Violation(6, f"package {package.pk}", f"is {package.status}, and its card charged or not")
    yield from _refunds(scope, packages)
    lessons = Entitlement.objects.filter(package__in=packages)
    open_lessons = Count("payments", filter=~Q(payments__status="settled"))
    for lesson in scope.each(lessons.annotate(open=open_lessons)) if scope.quiet else ():
        wanted = {S.BOOKED: (1,), S.PENDING: (0, 1)}.get(S(lesson.status), (0,))
        if lesson.open not in wanted:
            yield Violation(6, str(lesson), f"is {lesson.status} with {lesson.open} lessons under way")


def _refunds(scope: Scope, packages: QuerySet[Package]) -> Iterator[Violation]:
    moved = MoneyMovement.objects.filter(payment=OuterRef("payment"), kind="refund", status="done").order_by()
    sent = Coalesce(Subquery(moved.values("payment").annotate(total=Sum("amount_cents")).values("total")), 0)
    worth = Coalesce(Sum("entitlements__price_cents", filter=Q(entitlements__status=S.REFUNDED)), 0)
    rows = packages.filter(status__in=HAD).annotate(sent=sent, worth=worth)
    for package in scope.each(rows.exclude(sent=F("worth"))):
        if scope.quiet:
            message = f"{package.sent} cents were refunded for lessons worth {package.worth}"
            yield Violation(6, f"package {package.pk}", message)


def _packages(scope: Scope) -> QuerySet[Package]:
    rows = Package.objects.order_by("pk")
    if scope.payment_id:
        bought = Entitlement.objects.filter(payments=scope.payment_id).values("package_id")
        return rows.filter(Q(payment=scope.payment_id) | Q(pk__in=bought))
    return rows
