"""The life of an entitlement: bought, booked, used or back, refunded, frozen, expired. The ledger owes what is not used.

Everything here runs inside the caller's transaction. Locks are taken in one order everywhere: booking, its payment, package,
the package's payment, entitlements.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from common.money import share, split
from common.problems import NotFound, Refused
from payments import ledger
from payments.models import MoneyPlan, Payment

from .models import OWED, Entitlement, Package

GOOD_FOR = timedelta(days=365)  # from the purchase (policy 12)
EXTENDED_BY = timedelta(days=30)  # when it comes back through no fault of the student's
S, P = Entitlement.Status, Package.Status
BACK = {  # where an entitlement comes back to
    P.PAID: S.AVAILABLE,
    P.DISPUTED: S.FROZEN,
    P.CHARGED_BACK: S.REVOKED,
    P.AWAITING_PAYMENT: S.PENDING,
    P.NOT_PAID: S.VOID,
    P.REFUSED: S.VOID,
}


class NothingLeft(Refused):
    """`package_status` says why when the package itself is not usable."""

    code, title = "no_lessons_left", "No lesson of this package can be booked"
    remedy = "Buy another package, or book without one."


class AfterExpiry(Refused):
    """`expires_at` says until when a lesson may start."""

    code, title = "package_expires_before", "The lesson would start after the package's lessons expire"
    remedy = "Choose an earlier time."


def lock_package(package_id: str) -> Package:
    """The package, locked and read fresh, with its payment locked. Raises NotFound."""
    package = Package.objects.select_for_update().filter(pk=package_id).first()
    if package is None:
        raise NotFound("There is no such package.")
    package.payment = Payment.objects.select_for_update().get(pk=package.payment_id)
    return package


def create(package: Package) -> list[Entitlement]:
    """The lessons of a new package: its price divided so that the parts add up, each with its commission (policy 1, 12)."""
    prices = split(package.price_cents, [1] * package.lesson_count)
    return Entitlement.objects.bulk_create(
        Entitlement(
            package=package,
            number=number,
            price_cents=price,
            commission_cents=share(price, package.commission_bps),
        )
        for number, price in enumerate(prices, 1)
    )


def locked(package: Package, *statuses: str) -> list[Entitlement]:
    """Its entitlements (with one of these statuses), locked, in order."""
    rows = package.entitlements.select_for_update().order_by("number")
    return list(rows.filter(status__in=statuses) if statuses else rows)


def open_up(package: Package, now: datetime) -> None:
    """The package is paid: its lessons can be had; those that drafts wait for are booked. We owe them all from here on."""
    package.expires_at = now + GOOD_FOR
    lessons = locked(package, S.PENDING)
    waiting = set(
        Payment.objects.filter(entitlement__in=lessons)
        .exclude(status="settled")
        .values_list("entitlement_id", flat=True)
    )
    for lesson in lessons:
        lesson.status = S.BOOKED if lesson.pk in waiting else S.AVAILABLE
        lesson.expires_at = package.expires_at
        lesson.save()
    owe(package, sum(lesson.price_cents for lesson in lessons), "sold", package.pk, now)


def take(package: Package, *, starts_at: datetime, now: datetime) -> Entitlement:
    """The next lesson of a locked package, booked from here on: the one that expires first.

    Raises NothingLeft or AfterExpiry.
    """
    if package.status != P.PAID:
        raise NothingLeft(f"This package is {package.get_status_display().lower()}.", package_status=package.status)
    usable = [one for one in locked(package, S.AVAILABLE) if one.expires_at and now < one.expires_at]
    if not usable:
        raise NothingLeft(package_status=package.status)
    in_time = [one for one in usable if one.expires_at and starts_at <= one.expires_at]
    if not in_time:
        latest = max(one.expires_at for one in usable if one.expires_at)
        raise AfterExpiry(expires_at=latest.isoformat())
    lesson = min(in_time, key=lambda one: (one.expires_at, one.number))
    lesson.status = S.BOOKED
    lesson.save()
    return lesson


def conclude(
    payment: Payment,
    *,
    is_used: bool,
    is_late: bool = False,
    is_blameless: bool = False,
    to_refund: bool = False,
    cause: str,
    now: datetime,
) -> None:
    """A prepaid lesson's money is final: its entitlement is used, or comes back in the state its package is in.

    `is_late`: its one late cancellation was made. `is_blameless`: it comes back through no fault of the student's and is
    good for 30 days at least. `to_refund`: its money goes back to the card. `cause` names the decision.
    """
    package = Package.objects.select_for_update().get(entitlements=payment.entitlement_id)
    lesson = Entitlement.objects.select_for_update().get(pk=payment.entitlement_id)
    was_owed = lesson.status in OWED
    lesson.ended_at = None
    if is_used:
        lesson.status, lesson.ended_at = S.USED, now
    else:
        lesson.late_used = lesson.late_used or is_late
        if is_blameless and lesson.expires_at:
            lesson.expires_at = max(lesson.expires_at, now + EXTENDED_BY)
        lesson.status = BACK[P(package.status)]
        if to_refund and lesson.status == S.AVAILABLE:
            lesson.status = S.TO_REFUND
        if lesson.status in (S.REVOKED, S.VOID):
            lesson.ended_at = now
    lesson.save()
    if was_owed != (lesson.status in OWED):
        why = "given_back" if lesson.status in OWED else str(lesson.status)
        owe(package, -lesson.price_cents if was_owed else lesson.price_cents, why, cause, now)


def note_late_move(payment: Payment) -> None:
    """A prepaid lesson was moved late: its one late change is used."""
    Entitlement.objects.filter(pk=payment.entitlement_id).update(late_used=True)


def end(package: Package, lessons: Iterable[Entitlement], status: Entitlement.Status, cause: str, now: datetime) -> int:
    """These lessons end as refunded, revoked or expired: we owe them no more. Returns their worth in cents."""
    total = 0
    for lesson in lessons:
        lesson.status, lesson.ended_at = status, now
        lesson.save()
        total += lesson.price_cents
    owe(package, -total, str(status), cause, now)
    return total


def move(lessons: Iterable[Entitlement], status: Entitlement.Status) -> None:
    """These lessons change without anything being owed or not: frozen, to be refunded, available again."""
    for lesson in lessons:
        lesson.status = status
        lesson.save()


def void(package: Package, now: datetime) -> None:
    """The package was never paid: its lessons never were. Those that a draft still waits for follow with it."""
    waiting = Payment.objects.filter(entitlement__package=package).exclude(status="settled").values("entitlement_id")
    Entitlement.objects.filter(package=package, status=S.PENDING).exclude(pk__in=waiting).update(
        status=S.VOID, ended_at=now
    )


def expire(package: Package, now: datetime) -> int:
    """End what was not used in time; returns how many."""
    over = [one for one in locked(package, S.AVAILABLE) if one.expires_at and one.expires_at <= now]
    for lesson in over:
        end(package, [lesson], S.EXPIRED, lesson.pk, now)
    return len(over)


def owe(package: Package, cents: int, why: str, cause: str, now: datetime) -> None:
    """Post what we owe in lessons: more, or less when negative. Once for a reason and cause."""
    ledger.post(
        key=f"package_{why}:{cause}",
        kind=f"package_{why}",
        payment_id=package.payment_id,
        at=now,
        lines=ledger.package_lines(owed_cents=cents),
    )


def to_expire(now: datetime, limit: int) -> list[str]:
    """Packages with a lesson past its date."""
    rows = Entitlement.objects.filter(status=S.AVAILABLE, expires_at__lte=now).order_by("expires_at")
    return list(dict.fromkeys(rows.values_list("package_id", flat=True)[:limit]))


def to_refund(limit: int) -> list[str]:
    """Packages with lessons whose money is to go back, and no decision about it under way."""
    decided = MoneyPlan.objects.filter(payment__package=OuterRef("package"), finished_at=None)
    rows = Entitlement.objects.filter(~Exists(decided), status=S.TO_REFUND).order_by("package_id")
    return list(dict.fromkeys(rows.values_list("package_id", flat=True)[:limit]))


def to_give_up(now: datetime, limit: int) -> list[str]:
    """Packages nobody paid in time."""
    rows = Package.objects.filter(status=P.AWAITING_PAYMENT, pay_by__lte=now).order_by("pay_by")
    return list(rows.values_list("pk", flat=True)[:limit])
