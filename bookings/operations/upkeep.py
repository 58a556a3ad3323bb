"""What jobs do beside bookings: carry plans on, work through Stripe's events, mails, tiers, health, old records."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from accounts import account_mail
from accounts.idempotency import purge as purge_idempotency
from accounts.tokens import purge as purge_sessions
from bookings import due
from bookings.models import Booking, MailLog, SupportItem, rates_at
from bookings.notifications import tell
from bookings.state_machine import BookingStatus
from catalog import tiers
from common import clock, token_bucket
from common.problems import OperationInProgress, Problem
from credits.models import CreditLot
from credits.operations import expire_due
from payments.models import MoneyPlan, StripeEventInbox

from ._conclusions import book_credits
from ._history import ask_support, close_cause
from ._story import resume

STUCK_AFTER = timedelta(hours=1)
EVENTS_KEPT = timedelta(days=90)
TRIGGERS_KEPT = timedelta(days=30)


def resume_plan(plan_id: str, now: datetime) -> str:
    """Carry on one unfinished decision; one that has been stuck for an hour becomes visible to support.

    Raises OperationInProgress or StripeUnavailable.
    """
    plan = MoneyPlan.objects.get(pk=plan_id)
    if plan.finished_at:
        return "nothing"
    try:
        return resume(plan, now)
    except Problem as error:
        if not isinstance(error, OperationInProgress):
            _show_stuck(plan, now, str(error))
        raise
    except Exception as error:
        _show_stuck(plan, now, f"{type(error).__name__}: {error}")
        MoneyPlan.objects.filter(pk=plan_id).update(
            attempts=plan.attempts + 1,
            next_attempt_at=clock.system_now() + timedelta(minutes=2),
            last_error=f"{type(error).__name__}: {error}"[:300],
        )
        raise


def _show_stuck(plan: MoneyPlan, now: datetime, detail: str) -> None:
    if plan.attempts >= 3 or now - plan.decided_at >= STUCK_AFTER:
        with transaction.atomic():
            ask_support(
                kind=SupportItem.Kind.PLAN_STUCK,
                cause=plan.pk,
                booking_id=plan.booking_id,
                money_at_risk_cents=plan.payment.card_amount_cents,
                now=now,
                detail=f"{plan.get_purpose_display()}: {detail}",
            )


def handle_stripe_event(event_id: str, now: datetime) -> str:
    """Process a stored event once. Raises OperationInProgress or StripeUnavailable; it is then tried again later."""
    from bookings import stripe_events

    event = StripeEventInbox.objects.get(pk=event_id)
    if event.processed_at:
        return "nothing"
    try:
        result = stripe_events.handle(event, now)
    except Exception as error:
        event.attempts += 1
        wait = timedelta(seconds=min(3600, 5 * 2 ** min(event.attempts, 10)))
        event.next_attempt_at, event.last_error = clock.system_now() + wait, f"{type(error).__name__}: {error}"[:300]
        event.save(update_fields=["attempts", "next_attempt_at", "last_error"])
        if event.attempts >= 8:
            with transaction.atomic():
                ask_support(
                    kind=SupportItem.Kind.WEBHOOK_STUCK,
                    cause=event.pk,
                    now=now,
                    detail=f"{event.type}: {event.last_error}",
                )
        raise
    StripeEventInbox.objects.filter(pk=event_id, processed_at=None).update(
        processed_at=clock.system_now(), result=result[:80], last_error=""
    )
    close_cause(SupportItem.Kind.WEBHOOK_STUCK, cause=event_id, now=now)
    return result


def deliver_mail(mail_id: str, now: datetime) -> str:
    """Send one mail once; `nothing` when it is sent or somebody is sending it."""
    from bookings.mail import send

    with transaction.atomic():
        mail = (
            MailLog.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=mail_id, sent_at=None).first()
        )
        if mail is None or (mail.not_before and now < mail.not_before):
            return "nothing"
        mail.attempts += 1
        try:
            mail.subject = send(mail)
            mail.sent_at = now
        except OSError as error:
            mail.last_error = str(error)[:200]
        mail.save()
    return "sent" if mail.sent_at else "failed"


def remind_of_lesson(booking_id: str, kind: str, now: datetime) -> str:
    """Remind both sides of a lesson, once; a reminder that would come after the next one is not written."""
    with transaction.atomic():
        booking = (
            Booking.objects.select_for_update(of=("self",)).select_related("student", "instructor").get(pk=booking_id)
        )
        if booking.status != BookingStatus.CONFIRMED or now >= booking.starts_at:
            return "nothing"
        facts, cause = {"booking_id": booking.pk}, f"{kind}:{booking.pk}"
        for role, person in (("student", booking.student), ("instructor", booking.instructor)):
            tell(person, kind, role=role, cause=cause, facts=facts, now=now)
    return kind


def remind_of_credit(lot_id: str, now: datetime) -> str:
    """Tell the owner of credit that it expires soon, once."""
    with transaction.atomic():
        lot = CreditLot.objects.select_related("owner").get(pk=lot_id)
        facts = {"amount_cents": lot.amount_cents, "expires_at": lot.expires_at.isoformat()}
        tell(lot.owner, "credit_expiring", role="student", cause=f"credit_expiring:{lot.pk}", facts=facts, now=now)
    return "credit_expiring"


def expire_credits(now: datetime) -> int:
    """Mark every credit past its date; returns how many lots."""
    count = 0
    while True:
        with transaction.atomic():
            entries = expire_due(now=now)
            book_credits(entries)
        count += len(entries)
        if not entries:
            return count


def evaluate_instructor(instructor_id: str, now: datetime) -> str:
    """One instructor's nightly evaluation."""
    completed = Booking.objects.filter(instructor_id=instructor_id, status=BookingStatus.COMPLETED)
    change = tiers.evaluate_tier(
        instructor_id=instructor_id,
        completed_in_period=completed.filter(completed_at__gt=now - tiers.PERIOD).count(),
        last_completed_at=completed.aggregate(last=Max("completed_at"))["last"],
        now=now,
        tiers=tiers.with_commissions(rates_at(now).commissions),
    )
    return "nothing" if change.before_bps == change.after_bps else f"{change.before_bps} to {change.after_bps}"


OVERDUE_LIMIT = 5
QUIET = timedelta(minutes=120)


def check_payment_health(now: datetime) -> list[str]:
    """More than 5 holds overdue, or none succeeded for 120 minutes while some were due (policy 10)."""
    alarms = []
    overdue = due.overdue_holds(now)
    tried, succeeded = due.attempts_since(now - QUIET)
    if overdue > OVERDUE_LIMIT:
        alarms.append(f"{overdue} holds are overdue")
    if (tried or due.holds_waiting(now - QUIET)) and not succeeded:
        alarms.append("no hold succeeded for 120 minutes")
    causes = {alarm.lstrip("0123456789 "): alarm for alarm in alarms}
    with transaction.atomic():
        for cause, alarm in causes.items():
            ask_support(kind=SupportItem.Kind.HOLDS_OVERDUE, cause=cause, now=now, detail=alarm)
        quiet = SupportItem.objects.filter(kind=SupportItem.Kind.HOLDS_OVERDUE, closed_at=None)
        quiet.exclude(cause__in=causes).update(closed_at=now)
    return alarms


def purge_records(now: datetime) -> dict[str, int]:
    """Delete what nobody needs any more; returns how many of each kind."""
    from djstripe.models import WebhookEventTrigger

    triggers, _ = WebhookEventTrigger.objects.filter(created__lt=clock.system_now() - TRIGGERS_KEPT).delete()
    events, _ = StripeEventInbox.objects.filter(
        processed_at__isnull=False, received_at__lt=clock.system_now() - EVENTS_KEPT
    ).delete()
    return {
        "triggers": triggers,
        "events": events,
        "idempotency_keys": purge_idempotency(clock.system_now()),
        "counters": token_bucket.purge(),
        "sessions": purge_sessions(clock.system_now()),
        "account_mails": account_mail.purge(clock.now()),
    }
