"""What each job has to work on now, and when it will next have something: indexed selections, ids only."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from catalog.models import InstructorProfile
from common import clock
from credits.models import CreditLot
from packages import entitlements
from packages.models import Entitlement, Package
from payments.models import MoneyPlan, Payment, StripeEventInbox
from payments.vocabulary import PaymentStatus

from .models import Booking, MailLog, NoShowReport
from .policy import holds
from .state_machine import BookingStatus

S, B = PaymentStatus, BookingStatus
BATCH = 500  # ids of one run; what is left is due again at the next


# A lesson being moved has a second, PENDING booking on the same payment until its money is secured: not one to work on.
_BEING_MOVED = Q(status=B.PENDING) & Exists(
    Booking.objects.filter(payment_id=OuterRef("payment_id")).exclude(pk=OuterRef("pk"))
)
STANDING = Booking.objects.filter(rescheduled_to=None).exclude(_BEING_MOVED)
PENDING = STANDING.filter(status=B.PENDING)


def _current(payments: QuerySet[Payment], order: str) -> list[str]:
    """The bookings that payments belong to now: the last of each reschedule chain."""
    ids = list(payments.order_by(order).values_list("pk", flat=True)[:BATCH])
    rows = STANDING.filter(payment_id__in=ids).values_list("payment_id", "pk")
    by_payment = dict(rows.order_by("created_at"))
    return [by_payment[payment] for payment in ids if payment in by_payment]


def booking_of(payment_id: str) -> str | None:
    """The booking that a payment belongs to now."""
    ids = STANDING.filter(payment_id=payment_id).order_by("-created_at", "-pk")
    booking_id: str | None = ids.values_list("pk", flat=True).first()
    return booking_id


SCHEDULED = Payment.objects.filter(status=S.SCHEDULED)
UNPAID = Payment.objects.filter(status=S.PAYMENT_METHOD_REQUIRED, capture_failed_at=None, auth_cancel_at__isnull=False)
CAPTURABLE = Payment.objects.filter(status__in=[S.AUTHORIZED, S.LOCKED])
UNCAPTURED = Payment.objects.filter(status=S.PAYMENT_METHOD_REQUIRED, capture_failed_at__isnull=False)
FROZEN_HOLDS = Payment.objects.filter(status=S.MANUAL_REVIEW, capture_before__isnull=False, card_charged_cents=0)


def holds_due(now: datetime) -> list[str]:
    return _current(SCHEDULED.filter(auth_scheduled_for__lte=now), "auth_scheduled_for")


def holds_to_retry(now: datetime) -> list[str]:
    warn_due = Q(auth_warned_at=None, auth_cancel_at__lte=now + (holds.LAST_RETRY_BEFORE - holds.GIVE_UP_BEFORE))
    wanted = Q(auth_next_attempt_at__lte=now) | Q(auth_cancel_at__lte=now) | warn_due
    return _current(UNPAID.filter(wanted), "auth_cancel_at")


def checkouts_timed_out(now: datetime) -> list[str]:
    tried = PENDING.filter(payment__auth_first_attempted_at__lte=now - holds.CHECKOUT_LIMIT)
    return list(tried.order_by("created_at").values_list("pk", flat=True)[:BATCH])


def bookings_abandoned(now: datetime) -> list[str]:
    untouched = PENDING.filter(
        payment__entitlement=None, payment__auth_first_attempted_at=None, created_at__lte=now - holds.PENDING_LIMIT
    )
    return list(untouched.order_by("created_at").values_list("pk", flat=True)[:BATCH])


def packages_unpaid(now: datetime) -> list[str]:
    return entitlements.to_give_up(now, BATCH)


def lessons_to_refund() -> list[str]:
    return entitlements.to_refund(BATCH)


def entitlements_over(now: datetime) -> list[str]:
    return entitlements.to_expire(now, BATCH)


def captures_due(now: datetime) -> list[str]:
    return _current(CAPTURABLE.filter(capture_due_at__lte=now), "capture_due_at")


def captures_to_retry(now: datetime) -> list[str]:
    """4 h after the last attempt, and at 72 h after the first failure whatever the last attempt was."""
    again = Q(capture_last_attempt_at__lte=now - holds.CAPTURE_RETRY_EVERY)
    escalate = Q(capture_failed_at__lte=now - holds.CAPTURE_ESCALATE_AFTER)
    return _current(UNCAPTURED.filter(again | escalate), "capture_last_attempt_at")


def no_shows_undisputed(now: datetime) -> list[str]:
    ripe = NoShowReport.objects.filter(resolved_at=None, disputed_at=None, dispute_window_ends__lte=now)
    return list(dict.fromkeys(ripe.order_by("dispute_window_ends").values_list("booking_id", flat=True)[:BATCH]))


def holds_expiring(now: datetime) -> list[str]:
    soon = FROZEN_HOLDS.filter(capture_before__lte=now + holds.SECURE_BEFORE, capture_before__gt=now)
    return _current(soon.exclude(plans__purpose=MoneyPlan.Purpose.SECURE_FUNDS), "capture_before")


def plans_to_resume() -> list[str]:
    """Decisions that stopped half-way, by the machine's clock: a crashed one is due half a minute after it was made."""
    waiting = MoneyPlan.objects.filter(finished_at=None, next_attempt_at__lte=clock.system_now())
    return list(waiting.order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


def events_to_process() -> list[str]:
    waiting = StripeEventInbox.objects.filter(processed_at=None, next_attempt_at__lte=clock.system_now())
    return list(waiting.order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


def mails_to_send(now: datetime) -> list[str]:
    in_the_morning = Q(not_before__gt=now)
    waiting = MailLog.objects.filter(sent_at=None, attempts__lt=5).exclude(in_the_morning)
    return list(waiting.order_by("created_at").values_list("pk", flat=True)[:BATCH])


REMINDERS = {"reminder_24h": timedelta(hours=24), "reminder_1h": timedelta(hours=1)}
CREDIT_REMINDER = timedelta(days=7)


def _reminder_cause(kind: str) -> Concat:
    return Concat(Value(f"{kind}:"), OuterRef("pk"))


def lessons_to_remind(kind: str, now: datetime) -> list[str]:
    """Lessons that begin within the time of a reminder, were confirmed before that time, and whose reminder is not written."""
    before = REMINDERS[kind]
    coming = Booking.objects.filter(status=B.CONFIRMED, starts_at__gt=now, starts_at__lte=now + before)
    known = coming.filter(confirmed_at__lte=F("starts_at") - before)
    untold = known.exclude(Exists(MailLog.objects.filter(event=None, cause=_reminder_cause(kind))))
    return list(untold.order_by("starts_at").values_list("pk", flat=True)[:BATCH])


def credits_to_remind(now: datetime) -> list[str]:
    """Credit that can be spent and expires within a week, whose owner was not told."""
    told = MailLog.objects.filter(event=None, cause=_reminder_cause("credit_expiring"))
    lots = CreditLot.objects.filter(status="available", expires_at__gt=now, expires_at__lte=now + CREDIT_REMINDER)
    return list(lots.exclude(Exists(told)).order_by("expires_at").values_list("pk", flat=True)[:BATCH])


def _next_reminder() -> datetime | None:
    """When the next lesson to come is reminded of; a lesson already reminded of is not looked for: once too often is harmless."""
    now = clock.now()
    coming = Booking.objects.filter(status=B.CONFIRMED)
    moments = [
        coming.filter(starts_at__gt=now + before).aggregate(first=Min("starts_at"))["first"]
        for before in REMINDERS.values()
    ]
    dues = [first - before for first, before in zip(moments, REMINDERS.values(), strict=True) if first]
    if any(lessons_to_remind(kind, now) for kind in REMINDERS):
        return now
    return min(dues, default=None)


def instructors_to_evaluate(now: datetime) -> list[str]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    waiting = InstructorProfile.objects.filter(is_founding=False).filter(
        Q(tier_evaluated_at=None) | Q(tier_evaluated_at__lt=today)
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True))


# --- When something will next be due: lets a moved clock skip stretches in which nothing is ---------------------------
def _first(rows: QuerySet[Payment], column: str, plus: timedelta = timedelta()) -> datetime | None:
    value: datetime | None = rows.aggregate(first=Min(column))["first"]
    return value + plus if value else None


def _soonest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant), default=None)


WARN_BEFORE_CANCEL = holds.LAST_RETRY_BEFORE - holds.GIVE_UP_BEFORE
NEXT_DUE: dict[str, Callable[[], datetime | None]] = {
    "process_scheduled_authorizations": lambda: _first(SCHEDULED.all(), "auth_scheduled_for"),
    "retry_failed_authorizations": lambda: _soonest(
        _first(UNPAID.all(), "auth_next_attempt_at"),
        _first(UNPAID.all(), "auth_cancel_at"),
        _first(UNPAID.filter(auth_warned_at=None), "auth_cancel_at", -WARN_BEFORE_CANCEL),
    ),
    "check_immediate_auth_timeout": lambda: _first(
        Payment.objects.filter(bookings__status=B.PENDING, bookings__rescheduled_to=None),
        "auth_first_attempted_at",
        holds.CHECKOUT_LIMIT,
    ),
    "expire_pending_bookings": lambda: _first(
        Payment.objects.filter(
            bookings__status=B.PENDING,
            bookings__rescheduled_to=None,
            auth_first_attempted_at=None,
            entitlement=None,
        ),
        "bookings__created_at",
        holds.PENDING_LIMIT,
    ),
    "capture_completed_lessons": lambda: _first(CAPTURABLE.all(), "capture_due_at"),
    "retry_failed_captures": lambda: _soonest(
        _first(UNCAPTURED.all(), "capture_last_attempt_at", holds.CAPTURE_RETRY_EVERY),
        _first(UNCAPTURED.all(), "capture_failed_at", holds.CAPTURE_ESCALATE_AFTER),
    ),
    "resolve_undisputed_no_shows": lambda: NoShowReport.objects.filter(resolved_at=None, disputed_at=None).aggregate(
        first=Min("dispute_window_ends")
    )["first"],
    "guard_expiring_holds": lambda: _first(
        FROZEN_HOLDS.exclude(plans__purpose=MoneyPlan.Purpose.SECURE_FUNDS), "capture_before", -holds.SECURE_BEFORE
    ),
    "expire_unpaid_packages": lambda: Package.objects.filter(status=Package.Status.AWAITING_PAYMENT).aggregate(
        first=Min("pay_by")
    )["first"],
    "expire_entitlements": lambda: Entitlement.objects.filter(status=Entitlement.Status.AVAILABLE).aggregate(
        first=Min("expires_at")
    )["first"],
    "write_reminders": _next_reminder,
    "expire_credits": lambda: CreditLot.objects.filter(status=CreditLot.Status.AVAILABLE).aggregate(
        first=Min("expires_at")
    )["first"],
}


def overdue_holds(now: datetime) -> int:
    """Holds that should have been placed at least half an hour ago (policy 10: check_payment_health)."""
    count: int = SCHEDULED.filter(auth_scheduled_for__lte=now - timedelta(minutes=30)).count()
    return count


def holds_waiting(since: datetime) -> bool:
    """Whether a hold that was due by an instant has not been tried yet."""
    waiting: bool = SCHEDULED.filter(auth_scheduled_for__lte=since).exists()
    return waiting


def attempts_since(since: datetime) -> tuple[int, int]:
    """Holds that were tried since an instant, and how many of them succeeded."""
    tried = Payment.objects.filter(auth_attempted_at__gte=since)
    return tried.count(), tried.exclude(status=S.PAYMENT_METHOD_REQUIRED).count()
