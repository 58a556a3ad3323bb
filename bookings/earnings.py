"""What an instructor earns: lesson by lesson, in all, and over time; each in a constant number of queries.

A lesson's money is `pending` until it is settled, then `available` at Stripe, then `paid` to the bank. Payouts do not say which
lessons they pay for: they count for those that were settled first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, TruncMonth, TruncWeek

from accounts.models import User
from bookings.models import Booking
from bookings.state_machine import BookingStatus
from catalog.local_time import zone_of
from payments.models import InstantPayout, MoneyMovement, MoneyPlan, Payment, Payout

CAME_BACK = ("failed", "canceled")
Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
Interval = Literal["week", "month"]
STATUSES = ("pending", "available", "paid")
SHOWN = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW, BookingStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over lessons, in cents. `net_cents` = pending + available + paid."""

    lessons: int
    gross_cents: int
    commission_cents: int
    net_cents: int
    reversed_cents: int
    pending_cents: int
    available_cents: int
    paid_cents: int


@dataclass(frozen=True, slots=True)
class Point:
    """One week or month: what lessons brought, what went to the bank, what that cost."""

    starts_on: date
    earned_cents: int
    payouts_cents: int
    payout_count: int
    fees_cents: int


def earnings_of(
    instructor: User, *, since: datetime | None = None, until: datetime | None = None, status: str = ""
) -> QuerySet[Booking]:
    """The lessons that bring money, or brought some that was taken back, starting within [since, until).

    Annotated with `net_cents`, `reversed_cents` and `earning_status`; student, service and payment are loaded.
    """
    is_settled = ~Q(payment__settlement_outcome="")
    stands = Q(status__in=(BookingStatus.CONFIRMED, BookingStatus.COMPLETED, BookingStatus.NO_SHOW))
    lessons: QuerySet[Any] = Booking.objects.filter(instructor=instructor, rescheduled_to=None).annotate(
        net_cents=Case(
            When(is_settled, then=F("payment__instructor_payout_cents")),
            default=F("payment__instructor_payout_full_cents"),
            output_field=IntegerField(),
        ),
        reversed_cents=_taken_back(),
        earning_status=_status(is_settled, _paid_until(instructor)),
    )
    lessons = lessons.filter(stands & ~is_settled | is_settled & (Q(net_cents__gt=0) | Q(reversed_cents__gt=0)))
    if since:
        lessons = lessons.filter(starts_at__gte=since)
    if until:
        lessons = lessons.filter(starts_at__lt=until)
    if status:
        lessons = lessons.filter(earning_status=status)
    return lessons.select_related("payment", "service", "student")


def totals_of(lessons: QuerySet[Booking]) -> Totals:
    """The sums over such lessons. One query."""
    sums: dict[str, Any] = {
        "lessons": Count("pk"),
        "gross_cents": Coalesce(Sum("payment__lesson_price_cents"), 0),
        "commission_cents": Coalesce(Sum("payment__instructor_commission_cents"), 0),
        "all_net": Coalesce(Sum("net_cents"), 0),
        "all_reversed": Coalesce(Sum("reversed_cents"), 0),
    }
    for status in STATUSES:
        sums[f"{status}_cents"] = Coalesce(Sum("net_cents", filter=Q(earning_status=status)), 0)
    found = lessons.select_related(None).order_by().aggregate(**sums)
    return Totals(net_cents=found.pop("all_net"), reversed_cents=found.pop("all_reversed"), **found)


def history_of(instructor: User, *, interval: Interval, first: date, last: date) -> list[Point]:
    """Every week (from Monday) or month from one date to another, in the instructor's own zone. Three queries."""
    zone = zone_of(instructor.timezone)
    days = list(_periods(interval, first, last))
    since = datetime.combine(days[0], time(0), zone)
    until = datetime.combine(_following(interval, days[-1]), time(0), zone)
    payouts = Payout.objects.filter(instructor=instructor, created_at__gte=since, created_at__lt=until)
    sent = _by_period(payouts.exclude(status__in=CAME_BACK), "created_at", "amount_cents", interval, zone)
    settled = Payment.objects.filter(instructor=instructor, settled_at__gte=since, settled_at__lt=until)
    earned = _by_period(settled, "settled_at", "instructor_payout_cents", interval, zone)
    paid = InstantPayout.objects.filter(instructor=instructor, fee_returned_at=None).exclude(fee_transfer_id="")
    paid = paid.filter(payout__created_at__gte=since, payout__created_at__lt=until)
    fees = _by_period(paid, "payout__created_at", "fee_cents", interval, zone)
    nothing = (0, 0)
    return [Point(day, earned.get(day, nothing)[0], *sent.get(day, nothing), fees.get(day, nothing)[0]) for day in days]


def _status(is_settled: Q, paid_until: tuple[datetime, str] | None) -> Case:
    rows = [When(~is_settled, then=Value("pending"))]
    if paid_until:
        at, payment = paid_until
        rows.append(
            When(Q(payment__settled_at__lt=at) | Q(payment__settled_at=at, payment__lte=payment), then=Value("paid"))
        )
    return Case(*rows, default=Value("available"), output_field=CharField())


def _paid_until(instructor: User) -> tuple[datetime, str] | None:
    """The last payment, by when it was settled, that payouts to the bank cover whole; None when there is none."""
    paid = Payout.objects.filter(instructor=instructor).exclude(status__in=CAME_BACK)
    fees = InstantPayout.objects.filter(instructor=instructor, fee_returned_at=None).exclude(fee_transfer_id="")
    left = sum(rows.aggregate(cents=Coalesce(Sum(column), 0))["cents"] for rows, column in (
        (paid, "amount_cents"), (fees, "fee_cents"),
    ))  # fmt: skip
    if not left:
        return None
    settled = Payment.objects.filter(instructor=instructor, settled_at__isnull=False, instructor_payout_cents__gt=0)
    so_far = Window(Sum("instructor_payout_cents"), order_by=[F("settled_at"), F("pk")])
    covered = settled.annotate(so_far=so_far).filter(so_far__lte=left).order_by("-settled_at", "-pk")
    last: tuple[datetime, str] | None = covered.values_list("settled_at", "pk").first()
    return last


def _taken_back() -> Coalesce:
    """What refunds and chargebacks took from the instructor again, less what a won chargeback brought back, in cents."""
    moves = MoneyMovement.objects.filter(payment=OuterRef("payment"), status=MoneyMovement.Status.DONE)
    moves = moves.filter(
        Q(plan__purpose__in=(Purpose.REFUND, Purpose.OPEN_CHARGEBACK), kind__in=(Kind.REVERSE, Kind.REFUND))
        | Q(plan__purpose=Purpose.CLOSE_CHARGEBACK, kind=Kind.TRANSFER)
    )
    moved = Case(
        When(kind=Kind.REVERSE, then=F("amount_cents") - _figure("fee_refunded")),
        When(kind=Kind.REFUND, then=_figure("reversed") - _figure("fee_refunded")),
        default=-F("amount_cents"),
        output_field=IntegerField(),
    )
    summed = moves.order_by().values("payment").annotate(total=Sum(moved)).values("total")
    return Coalesce(Subquery(summed), 0)


def _figure(name: str) -> Coalesce:
    return Coalesce(Cast(KT(f"result__{name}"), IntegerField()), 0)


def _by_period(
    rows: QuerySet[Any], at: str, column: str, interval: Interval, zone: ZoneInfo
) -> dict[date, tuple[int, int]]:
    """Sum and count by the first day of their period."""
    trunc = TruncWeek if interval == "week" else TruncMonth
    by = rows.annotate(period=trunc(at, tzinfo=zone)).order_by().values("period")
    return {
        row["period"].date(): (row["cents"] or 0, row["count"])
        for row in by.annotate(cents=Sum(column), count=Count("pk"))
    }


def _periods(interval: Interval, first: date, last: date) -> Iterator[date]:
    day = first - timedelta(days=first.weekday()) if interval == "week" else first.replace(day=1)
    while day <= last:
        yield day
        day = _following(interval, day)


def _following(interval: Interval, day: date) -> date:
    return day + timedelta(days=7) if interval == "week" else (day + timedelta(days=31)).replace(day=1)
