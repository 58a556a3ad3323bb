"""Somebody did not come: report it, dispute the report (policy 7). The payment freezes until it is resolved."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking, NoShowReport, SupportItem
from bookings.policy.no_show import DISPUTE_FOR, refuse_dispute_after, refuse_report_outside
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.problems import Invalid, NotFound, PermissionDenied, Refused
from payments.vocabulary import PaymentStatus

from ._conclusions import freeze
from ._errors import AlreadySettled, BookingCancelled, NotConfirmed, UnderReview
from ._history import ask_support, note
from ._story import find_booking, fresh, lock_at_rest, one_at_a_time, only

NO_SHOW = "no_show"
MAY_REPORT = {Role.STUDENT: ("instructor",), Role.INSTRUCTOR: ("student",), Role.STAFF: ("instructor", "student")}


class AlreadyReported(Refused):
    code, title = "no_show_already_reported", "This no-show was already reported"
    remedy = "Read the booking: `no_show` has the report."


class AlreadyDisputed(Refused):
    code, title = "no_show_already_disputed", "This report was already disputed"
    remedy = "Nothing to do: support decides."


def report_no_show(*, booking_id: str, actor: Actor, no_show_type: str, reason: str, now: datetime) -> Booking:
    """Report that the instructor or the student did not come. The payment freezes; the booking stays CONFIRMED.

    From the lesson's start to 24 h after its end, inclusive; once per side. Raises NoShowWindowClosed, AlreadyReported,
    AlreadySettled, NotConfirmed, BookingCancelled, UnderReview, PermissionDenied.
    """
    only(actor, Role.STUDENT, Role.INSTRUCTOR, Role.STAFF)
    if no_show_type not in MAY_REPORT[actor.role]:
        raise PermissionDenied("You can report the other side only.")
    reason = checked_reason(reason, 1, 500)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now), transaction.atomic():
        booking = lock_at_rest(booking_id)
        refuse_report(booking, no_show_type, now)
        booking.no_show_reports.create(
            type=no_show_type,
            reported_by_role=actor.role,
            reported_by_id=actor.id,
            reported_at=now,
            reason=reason,
            dispute_window_ends=now + DISPUTE_FOR,
        )
        if booking.payment.status != PaymentStatus.MANUAL_REVIEW:
            freeze(booking, reason=NO_SHOW, actor=actor, now=now)
        note(booking, "no_show_reported", actor=actor, now=now, reason=reason, details={"type": no_show_type})
    return fresh(booking_id)


def checked_reason(reason: str, low: int, high: int) -> str:
    """A reason of `low` to `high` characters. Raises Invalid."""
    if not low <= len(reason.strip()) <= high:
        raise Invalid(
            f"Give a reason of {low} to {high} characters.", errors={"reason": [f"{low} to {high} characters."]}
        )
    return reason.strip()


def refuse_report(booking: Booking, no_show_type: str, now: datetime) -> None:
    """Raises what keeps a no-show of this side from being reported now. One query."""
    if booking.status == BookingStatus.PENDING:
        raise NotConfirmed()
    if booking.no_show_reports.filter(type=no_show_type).exclude(resolution="cancelled").exists():
        raise AlreadyReported()
    if booking.payment.status == PaymentStatus.SETTLED:
        raise AlreadySettled()
    if booking.status == BookingStatus.CANCELLED:
        raise BookingCancelled()
    if booking.payment.status == PaymentStatus.MANUAL_REVIEW and booking.payment.review_reason != NO_SHOW:
        raise UnderReview()
    refuse_report_outside(starts_at=booking.starts_at, ends_at=booking.ends_at, now=now)


def dispute_no_show(*, booking_id: str, actor: Actor, reason: str, now: datetime) -> Booking:
    """The accused says otherwise, within 24 h of the report, once; staff then decide (policy 7).

    Raises NotFound without a report against the actor, AlreadyDisputed, DisputeWindowClosed, Invalid.
    """
    only(actor, Role.STUDENT, Role.INSTRUCTOR)
    reason = checked_reason(reason, 10, 500)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now), transaction.atomic():
        booking = lock_at_rest(booking_id)
        report = NoShowReport.objects.filter(booking=booking, type=actor.role, resolved_at=None).first()
        if report is None:
            raise NotFound("Nobody has reported you for this lesson.")
        if report.disputed_at:
            raise AlreadyDisputed()
        refuse_dispute_after(window_ends=report.dispute_window_ends, now=now)
        report.disputed_at, report.dispute_reason = now, reason
        report.save(update_fields=["disputed_at", "dispute_reason"])
        note(booking, "no_show_disputed", actor=actor, now=now, reason=reason, details={"type": report.type})
        ask_support(
            kind=SupportItem.Kind.NO_SHOW_DISPUTED,
            cause=report.pk,
            booking_id=booking.pk,
            money_at_risk_cents=booking.payment.card_amount_cents,
            now=now,
            detail=f"Report: {report.reason}\nAnswer: {reason}",
        )
    return fresh(booking_id)
