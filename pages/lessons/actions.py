"""What somebody can do with a lesson now, and why the rest is not possible. The operations themselves say so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from bookings.models import Booking, NoShowReport
from bookings.operations.authorize import waits_for_card
from bookings.operations.cancel import refuse_cancellation
from bookings.operations.complete import refuse_completion
from bookings.operations.report_no_show import refuse_report
from bookings.operations.reschedule import refuse_move
from bookings.operations.resolve_review import refuse_completion_dispute
from bookings.policy.no_show import refuse_dispute_after
from bookings.policy.rescheduling import move_allowed
from bookings.state_machine import BookingStatus as B
from common.actors import Actor, Role
from common.problems import Problem
from pages.words.problems import in_words
from payments.vocabulary import PaymentStatus as S


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: where, and why not when it is not possible now."""

    words: str
    url: str
    icon: str
    why_not: str = ""
    is_first: bool = False

    @property
    def possible(self) -> bool:
        return not self.why_not


def actions_for(booking: Booking, *, actor: Actor, now: datetime) -> list[Action]:
    """Everything this side of a lesson could ever do with it, what is possible and urgent first. One query."""
    if booking.is_moved:
        return []
    build = _for_instructor if actor.role is Role.INSTRUCTOR else _for_student
    found = build(booking, actor, now)
    return sorted(found, key=lambda action: (not action.possible, not action.is_first))


def _for_student(booking: Booking, actor: Actor, now: datetime) -> list[Action]:
    found = []
    if booking.status == B.PENDING:
        found.append(_action(booking, "Pay for it", "checkout", "card", first=True))
    if needs_money(booking):
        found.append(_action(booking, "Fix the payment", "fix_payment", "card", first=True))
    elif booking.status == B.CONFIRMED and booking.payment.status == S.SCHEDULED:
        found.append(_action(booking, "Use another card", "fix_payment", "card"))
    if (report := open_report_against(booking, Role.STUDENT)) is not None:
        found.append(_answer(booking, report, now))
    return [
        *found,
        _action(booking, "Move it", "move", "move", lambda: _refuse_move(booking, now)),
        _action(booking, "Cancel it", "cancel", "cross", lambda: refuse_cancellation(booking, actor)),
        _action(booking, f"{booking.instructor.first_name} did not come", "no_show", "flag",
                lambda: refuse_report(booking, NoShowReport.Type.INSTRUCTOR, now)),
    ]  # fmt: skip


def _for_instructor(booking: Booking, actor: Actor, now: datetime) -> list[Action]:
    found = []
    if (report := open_report_against(booking, Role.INSTRUCTOR)) is not None:
        found.append(_answer(booking, report, now))
    if booking.status != B.COMPLETED:
        found.append(
            _action(booking, "It took place", "complete", "check", lambda: refuse_completion(booking, now), first=True)
        )
    return [
        *found,
        _action(booking, f"{booking.student.first_name} did not come", "no_show", "flag",
                lambda: refuse_report(booking, NoShowReport.Type.STUDENT, now)),
        _action(booking, "It went otherwise", "dispute_completion", "scales", lambda: refuse_completion_dispute(booking, now)),
        _action(booking, "Cancel it", "cancel", "cross", lambda: refuse_cancellation(booking, actor)),
    ]  # fmt: skip


def needs_money(booking: Booking) -> bool:
    """A hold or a charge failed and the student must act."""
    payment = booking.payment
    failed_charge = payment.status == S.PAYMENT_METHOD_REQUIRED and payment.capture_failed_at is not None
    return waits_for_card(booking) or failed_charge or payment.review_reason == "capture_escalated"


def open_report_against(booking: Booking, role: Role) -> NoShowReport | None:
    """A report against this side that nobody has resolved."""
    open_ones = [report for report in booking.no_show_reports.all() if report.resolved_at is None]
    return next((report for report in open_ones if report.type == role), None)


def _answer(booking: Booking, report: NoShowReport, now: datetime) -> Action:
    if report.disputed_at:
        return _action(
            booking, "Answer the report", "answer_no_show", "flag", why_not="You have answered. Our support decides."
        )
    return _action(booking, "Answer the report", "answer_no_show", "flag",
                   lambda: refuse_dispute_after(window_ends=report.dispute_window_ends, now=now), first=True)  # fmt: skip


def _refuse_move(booking: Booking, now: datetime) -> None:
    refuse_move(booking)
    move_allowed(starts_at=booking.starts_at, now=now, late_reschedule_used=booking.payment.late_reschedule_used)


def _action(
    booking: Booking,
    words: str,
    page: str,
    icon: str,
    refuse: Callable[[], object] | None = None,
    *,
    first: bool = False,
    why_not: str = "",
) -> Action:
    if refuse is not None:
        try:
            refuse()
        except Problem as problem:
            why_not = in_words(problem)
    return Action(words, reverse(page, kwargs={"booking_id": booking.pk}), icon, why_not, first and not why_not)
