"""Whether every decision was the right one for its moment: the windows once more, written down independently."""

from collections.abc import Iterator
from datetime import timedelta

from bookings.models import Booking, BookingEvent
from payments.models import MoneyMovement, MoneyPlan

HOUR = timedelta(hours=1)
Purpose = MoneyPlan.Purpose
UNCHARGED = "student_cancel_gt24_no_charge"
UNSETTLED = {"capture_failed", "reversal_failed", "payout_failed", "refund_failed", "stripe_refused"}


def untimely() -> Iterator[str]:
    """Every decision that its moment did not allow."""
    starts = {booking.pk: booking for booking in Booking.objects.all()}
    for plan in MoneyPlan.objects.exclude(finished_at=None).order_by("id"):
        booking = starts.get(plan.booking_id)
        if booking is None:
            continue
        said = f"{plan.purpose} of booking {booking.pk} at {plan.decided_at:%d %b %H:%M:%S}"
        notice = booking.starts_at - plan.decided_at
        match plan.purpose:
            case Purpose.CANCEL if plan.actor_role == "student":
                allowed = _endings(plan, notice)
                if plan.result not in allowed | UNSETTLED:
                    yield f"{said}, {notice} before the lesson, ended as {plan.result}, not {' or '.join(sorted(allowed))}"
            case Purpose.CHECK_OUT | Purpose.AUTHORIZE if notice > 24 * HOUR and _holds(plan):
                yield f"{said} placed a hold {notice} before the lesson"
            case Purpose.CAPTURE if plan.door == "job" and plan.terms.get("outcome") == "lesson_completed_full_payout":
                if plan.decided_at < booking.ends_at + 24 * HOUR:
                    yield f"{said} came before a day had passed since the end, {booking.ends_at:%d %b %H:%M:%S}"
            case Purpose.ESCALATE:
                failed = plan.payment.capture_failed_at
                if failed is None or plan.decided_at < failed + 72 * HOUR:
                    yield f"{said} came before 72 hours"
            case Purpose.EXPIRE if plan.result != UNCHARGED and plan.result not in UNSETTLED:
                yield f"{said} ended as {plan.result}"


def _endings(plan: MoneyPlan, notice: timedelta) -> set[str]:
    cancelled = BookingEvent.objects.filter(booking_id=plan.booking_id, kind="booking_cancelled").order_by("id").first()
    before = cancelled.payment_status_from if cancelled else ""
    if before == "locked":
        return {"locked_cancel_ge12_full_credit" if notice >= 12 * HOUR else "locked_cancel_lt12_split_50_50"}
    if before == "payment_method_required" or (notice >= 24 * HOUR):
        return {UNCHARGED}
    charged = "student_cancel_12_24_full_credit" if notice >= 12 * HOUR else "student_cancel_lt12_split_50_50"
    return {charged} if before == "authorized" else {charged, UNCHARGED}  # not yet held: the card may still decline


def _holds(plan: MoneyPlan) -> bool:
    authorized = MoneyMovement.objects.filter(plan=plan, kind=MoneyMovement.Kind.AUTHORIZE)
    return authorized.exclude(status__in=["planned", "skipped"]).exists()
