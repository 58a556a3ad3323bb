"""Decide a no-show: confirmed, rejected or withdrawn, by staff or because nobody disputed it (policy 7)."""

from datetime import datetime

from django.db import transaction

from bookings.models import Booking, NoShowReport
from bookings.policy.no_show import RULINGS, Ends, Verdict, Who
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import Invalid, Refused
from payments.models import MoneyMovement, MoneyPlan
from payments.settlement import Movement, open_plan
from payments.vocabulary import PaymentStatus

from ._conclusions import as_plain
from ._errors import ChargebackOpen
from ._history import close_support, note
from ._movements import hold_again, movements_for
from ._story import find_booking, fresh, lock_at_rest, one_at_a_time, only, see_through, tells
from .capture import conclude_capture
from .complete import mark_complete
from .report_no_show import checked_reason

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
R = NoShowReport.Resolution
VERDICTS = {R.CONFIRMED_NO_DISPUTE: Verdict.CONFIRMED, R.CONFIRMED_AFTER_REVIEW: Verdict.CONFIRMED,
            R.DISPUTE_UPHELD: Verdict.REJECTED}  # fmt: skip


class NoOpenReport(Refused):
    code, title = "no_open_no_show", "There is no open no-show report for this booking"
    remedy = "Read the booking: `no_show` is absent or resolved."


def resolve_no_show(*, booking_id: str, actor: Actor, resolution: str, reason: str, now: datetime) -> Booking:
    """Staff resolve a report: `confirmed_after_review`, `dispute_upheld` or `cancelled` (withdrawn).

    Raises Invalid, NoOpenReport, OperationInProgress, StripeUnavailable (the decision then stands and is carried on).
    """
    only(actor, Role.STAFF)
    if resolution not in (R.CONFIRMED_AFTER_REVIEW, R.DISPUTE_UPHELD, R.CANCELLED):
        raise Invalid("Unknown resolution.", errors={"resolution": [f"One of {', '.join(R.values[1:])}."]})
    reason = checked_reason(reason, 1, 500)
    find_booking(booking_id, actor)
    with one_at_a_time(booking_id, now) as lease:
        plan = _decide(booking_id, actor, R(resolution), reason, lease, now)
        if plan is not None:
            see_through(plan, lease, now)
    return fresh(booking_id)


def confirm_undisputed(*, booking_id: str, actor: Actor, now: datetime) -> str:
    """The hourly job's work on one booking: every open report undisputed for 24 h is confirmed. `nothing` otherwise."""
    with one_at_a_time(booking_id, now) as lease:
        open_reports = NoShowReport.objects.filter(booking_id=booking_id, resolved_at=None)
        if not open_reports or any(r.disputed_at or now < r.dispute_window_ends for r in open_reports):
            return "nothing"
        if fresh(booking_id).payment.review_reason == "chargeback":
            return "nothing"  # the report waits for the student's bank
        plan = _decide(booking_id, actor, R.CONFIRMED_NO_DISPUTE, "Nobody disputed it within 24 hours.", lease, now)
        return see_through(plan, lease, now) if plan else "nothing"


def _decide(
    booking_id: str, actor: Actor, resolution: NoShowReport.Resolution, reason: str, lease: Lease, now: datetime
) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        reports = list(booking.no_show_reports.filter(resolved_at=None))
        if not reports or booking.payment.status != PaymentStatus.MANUAL_REVIEW:
            raise NoOpenReport()
        if booking.payment.review_reason == "chargeback":
            raise ChargebackOpen()
        who = Who.BOTH if len(reports) == 2 else Who(reports[0].type)
        before = (booking.status, booking.payment.status)
        booking.no_show_reports.filter(resolved_at=None).update(resolved_at=now, resolution=resolution)
        close_support(booking_id=booking.pk, now=now)
        details = {"type": who, "resolution": resolution}
        if resolution == R.CANCELLED:
            booking.payment.thaw()
            booking.payment.review_reason = ""
            booking.payment.save()
            note(booking, "no_show_withdrawn", actor=actor, now=now, before=before, reason=reason, details=details)
            return None
        ruling = RULINGS[who, VERDICTS[resolution]]
        if ruling.booking_becomes is Ends.NO_SHOW:
            booking.mark_no_show()
            booking.holds_slot = False
            booking.save()
        elif booking.status == BookingStatus.CONFIRMED:
            mark_complete(booking, actor=actor, now=now, completed_at=booking.ends_at)
            before = (booking.status, booking.payment.status)  # the completion is an event of its own
        note(booking, "no_show_resolved", actor=actor, now=now, before=before, reason=reason, details=details)
        return open_plan(
            payment=booking.payment,
            booking_id=booking.pk,
            purpose=Purpose.RESOLVE_NO_SHOW,
            actor=actor,
            now=now,
            lease=lease,
            terms=as_plain(ruling.terms),
            reason=reason,
            movements=movements_for(ruling.terms, booking.payment),
        )


def _follow_up(plan: MoneyPlan, booking: Booking, now: datetime) -> list[Movement]:
    return hold_again(plan, booking.payment)


tells(Purpose.RESOLVE_NO_SHOW, follow_up=_follow_up, conclude=conclude_capture)
