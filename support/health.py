"""Figures of how it goes, from the database alone, so that all processes say the same: for the health page and /metrics."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, F, Min, Q, QuerySet
from django.db.models.functions import TruncHour
from django_q.models import Failure, OrmQ, Success
from ulid import ULID

from bookings import due
from bookings.models import BookingEvent, MailLog, ReconciliationRun, SupportItem
from common import clock
from payments.models import MoneyPlan, Payment, StripeEventInbox

from .models import DeskAction

HOURS = 48
KINDS = {
    "hold_placed": "Holds placed",
    "hold_failed": "Holds failed",
    "payment_settled": "Payments settled",
    "capture_failed": "Captures failed",
    "capture_failed_again": "Capture retries failed",
    "capture_escalated": "Captures escalated",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure under its stable name, with labels, as Prometheus takes it."""

    name: str
    help: str
    values: list[tuple[dict[str, str], float]]


def _since(hours: int) -> str:
    """The smallest id made in the last hours: ids begin with the machine's time, so that the primary key finds them."""
    return str(ULID.from_datetime(clock.system_now() - timedelta(hours=hours)))[:10] + "0" * 16


def figures(now: datetime) -> list[Figure]:
    """Every figure that is exported. Names and labels are stable: alerts and dashboards in deploy/ use them."""
    events = dict(
        BookingEvent.objects.filter(id__gte=_since(1), kind__in=KINDS)
        .values_list("kind")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return [
        Figure("instainstru_holds_overdue", "Holds due for 30 minutes and not placed", [({}, due.overdue_holds(now))]),
        Figure("instainstru_holds_due", "Holds due in the next hour", [({}, _holds_due(now))]),
        Figure(
            "instainstru_booking_events_last_hour",
            "What happened to bookings in the last hour, by kind",
            [({"kind": kind}, events.get(kind, 0)) for kind in KINDS],
        ),
        Figure(
            "instainstru_payments",
            "Payments that are not settled, by status",
            [({"status": status}, count) for status, count in _open_payments()],
        ),
        Figure("instainstru_unfinished_plans", "Decisions not concluded", [({}, _plans().count())]),
        Figure(
            "instainstru_oldest_unfinished_plan_seconds",
            "Age of the oldest decision that is not concluded",
            [({}, _age(_plans().aggregate(first=Min("decided_at"))["first"], now))],
        ),
        Figure(
            "instainstru_support_items",
            "Items that wait for a person, by kind",
            [({"kind": kind}, count) for kind, count in _items()],
        ),
        Figure(
            "instainstru_oldest_support_item_seconds",
            "Age of the oldest item that waits for a person",
            [({}, _age(_open_items().aggregate(first=Min("opened_at"))["first"], now))],
        ),
        Figure(
            "instainstru_desk_actions_waiting",
            "Actions that wait for a second person or to be carried out",
            [({"state": state}, _asked(state)) for state in ("waiting", "agreed")],
        ),
        Figure(
            "instainstru_webhook_lag_seconds",
            "Age of the oldest event from Stripe that is not processed",
            [({}, _age(_events().aggregate(first=Min("received_at"))["first"], clock.system_now()))],
        ),
        Figure("instainstru_webhooks_waiting", "Events from Stripe that are not processed", [({}, _events().count())]),
        Figure("instainstru_mails_waiting", "Mails that are due and not sent", [({}, len(due.mails_to_send(now)))]),
        Figure("instainstru_job_queue", "Tasks in the queue", [({}, OrmQ.objects.count())]),
        Figure(
            "instainstru_job_runs_last_hour",
            "Finished tasks in the last hour, by result",
            [({"result": "success"}, _tasks(Success)), ({"result": "failure"}, _tasks(Failure))],
        ),
        Figure(
            "instainstru_ledger_differences",
            "Unexplained differences between our ledger and Stripe's",
            [({}, _open_items().filter(kind="ledger_difference").count())],
        ),
        Figure(
            "instainstru_last_reconciliation_seconds",
            "How long ago a reconciliation finished; -1 when none ever did",
            [({}, _last_reconciliation(now))],
        ),
        Figure(
            "instainstru_hold_to_capture_seconds",
            "Average time from hold to capture of the payments captured in the last day",
            [({}, _hold_to_capture(now))],
        ),
    ]


def _holds_due(now: datetime) -> int:
    soon = now + timedelta(hours=1)
    return int(due.SCHEDULED.filter(auth_scheduled_for__gt=now, auth_scheduled_for__lte=soon).count())


def _open_payments() -> list[tuple[str, int]]:
    counted = Payment.objects.exclude(status="settled").values_list("status").annotate(count=Count("pk"))
    counts = dict(counted.order_by())
    known = ("scheduled", "authorized", "payment_method_required", "locked", "manual_review")
    return [(status, counts.get(status, 0)) for status in known]


def _plans() -> QuerySet[MoneyPlan]:
    return MoneyPlan.objects.filter(finished_at=None)


def _open_items() -> QuerySet[SupportItem]:
    return SupportItem.objects.filter(closed_at=None)


def _items() -> list[tuple[str, int]]:
    counts = dict(_open_items().values_list("kind").annotate(count=Count("pk")).order_by())
    return [(kind, counts.get(kind, 0)) for kind in SupportItem.Kind.values]


def _events() -> QuerySet[StripeEventInbox]:
    return StripeEventInbox.objects.filter(processed_at=None)


def _asked(state: str) -> int:
    return DeskAction.objects.filter(state=state).count()


def _tasks(kind: type[Success] | type[Failure]) -> int:
    return int(kind.objects.filter(stopped__gte=clock.system_now() - timedelta(hours=1)).count())


def _age(first: datetime | None, now: datetime) -> float:
    return max(0.0, (now - first).total_seconds()) if first else 0.0


def _last_reconciliation(now: datetime) -> float:
    last = ReconciliationRun.objects.exclude(finished_at=None).order_by("-finished_at").first()
    return _age(last.finished_at, now) if last else -1.0


def _hold_to_capture(now: datetime) -> float:
    lately = Payment.objects.filter(captured_at__gte=now - timedelta(days=1), auth_attempted_at__isnull=False)
    average = lately.aggregate(time=Avg(F("captured_at") - F("auth_attempted_at")))["time"]
    return average.total_seconds() if average else 0.0


# --- For the charts --------------------------------------------------------------------------------------------------
def by_hour(now: datetime) -> dict[str, list[int]]:
    """How often each kind of event happened in each of the last 48 hours, the oldest first."""
    start = (now - timedelta(hours=HOURS - 1)).replace(minute=0, second=0, microsecond=0)
    rows = (
        BookingEvent.objects.filter(kind__in=KINDS, at__gte=start, id__gte=_since(24 * 31))
        .annotate(hour=TruncHour("at"))
        .values_list("kind", "hour")
        .annotate(count=Count("pk"))
        .order_by()
    )
    series = {kind: [0] * HOURS for kind in KINDS}
    for kind, hour, count in rows:
        place = int((hour - start).total_seconds() // 3600)
        if 0 <= place < HOURS:
            series[kind][place] = count
    return series


def job_durations() -> list[dict[str, object]]:
    """The jobs of the last day: how often, how long, how often in vain."""
    since = clock.system_now() - timedelta(days=1)
    runs = Success.objects.filter(stopped__gte=since, func="instainstru.schedules.run")
    failed = Failure.objects.filter(stopped__gte=since).count()
    rows = runs.values("group").annotate(count=Count("pk"), seconds=Avg(F("stopped") - F("started")))
    found: list[dict[str, object]] = [
        {"name": row["group"] or "job", "count": row["count"], "seconds": row["seconds"].total_seconds()}
        for row in rows.order_by("group")
    ]
    return [*found, {"name": "failed tasks", "count": failed, "seconds": 0.0}]


def mails_by_state() -> dict[str, int]:
    return MailLog.objects.aggregate(
        waiting=Count("pk", filter=Q(sent_at=None)), failed=Count("pk", filter=Q(sent_at=None, attempts__gt=0))
    )
