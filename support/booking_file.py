"""Everything about one lesson, read in a constant number of queries, through all the bookings it was."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch
from django.template import TemplateDoesNotExist

from accounts.models import AccountHold
from bookings.mail import Rendered, rendered
from bookings.models import (
    Booking,
    BookingEvent,
    CompletionDispute,
    MailLog,
    NoShowReport,
    ReconciliationDifference,
    SupportItem,
)
from common.money import dollars
from common.problems import NotFound
from payments.models import Chargeback, LedgerLine, MoneyMovement, MoneyPlan, Payment
from payments.vocabulary import PaymentStatus

from .models import DeskAction, Note

FAILED = ("reversal_failed", "refund_failed", "payout_failed", "stripe_refused")


@dataclass(frozen=True, slots=True)
class Choice:
    """An action and why it is offered now, or "" when it is not."""

    name: str
    title: str
    subject: str


@dataclass(slots=True)
class BookingFile:
    booking: Booking
    chain: list[Booking]
    events: list[BookingEvent]
    plans: list[MoneyPlan]
    reports: list[NoShowReport]
    disputes: list[CompletionDispute]
    chargebacks: list[Chargeback]
    items: list[SupportItem]
    mails: list[tuple[MailLog, Rendered | None]]
    notes: list[Note]
    asked: list[DeskAction]
    holds: list[AccountHold]
    ledger: list[LedgerLine]
    differences: list[ReconciliationDifference]
    money: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)

    @property
    def payment(self) -> Payment:
        return self.booking.payment


def booking_file(booking_id: str) -> BookingFile:
    """Raises NotFound."""
    whole = Booking.objects.select_related("payment", "student", "instructor", "service", "rescheduled_from")
    booking = whole.filter(pk=booking_id).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    payment = booking.payment
    chain = list(Booking.objects.filter(payment=payment).order_by("created_at", "id"))
    ids = [one.pk for one in chain]
    movements = Prefetch("movements", MoneyMovement.objects.order_by("position"))
    plans = list(payment.plans.order_by("decided_at", "id").prefetch_related(movements))
    return BookingFile(
        booking=booking,
        chain=chain,
        events=list(BookingEvent.objects.filter(booking__in=ids).order_by("at", "id")),
        plans=plans,
        reports=list(NoShowReport.objects.filter(booking__in=ids).order_by("reported_at")),
        disputes=list(CompletionDispute.objects.filter(booking__in=ids)),
        chargebacks=list(payment.chargebacks.order_by("opened_at", "id")),
        items=list(SupportItem.objects.filter(booking_id__in=ids).select_related("owner").order_by("opened_at")),
        mails=_mails(ids, plans),
        notes=list(Note.objects.filter(booking__in=ids).select_related("author").order_by("at")),
        asked=list(
            DeskAction.objects.filter(booking_id__in=ids).select_related("asked_by", "decided_by").order_by("asked_at")
        ),
        holds=list(AccountHold.objects.filter(payment_id=payment.pk).order_by("opened_at")),
        ledger=list(
            LedgerLine.objects.filter(entry__payment_id=payment.pk).select_related("entry").order_by("entry__at", "id")
        ),
        differences=list(ReconciliationDifference.objects.filter(booking_id__in=ids).order_by("-id")[:20]),
        money=money_of(payment),
    )


def _mails(ids: list[str], plans: list[MoneyPlan]) -> list[tuple[MailLog, Rendered | None]]:
    """Every mail with its text as its reader got it, from what is read already."""
    mails = MailLog.objects.filter(event__booking__in=ids).select_related(
        "recipient",
        "event__booking__payment",
        "event__booking__student",
        "event__booking__instructor",
        "event__booking__service",
        "event__booking__rescheduled_from",
    )
    return [(mail, _said(mail, plans)) for mail in mails.order_by("created_at", "id")]


def _said(mail: MailLog, plans: list[MoneyPlan]) -> Rendered | None:
    """None for a kind of mail that is not written any more."""
    try:
        return rendered(mail, plans=plans)
    except TemplateDoesNotExist:
        return None


def money_of(payment: Payment) -> list[tuple[str, list[tuple[str, str]]]]:
    """The money by party: what was agreed, what happened, what remains."""
    left = payment.card_charged_cents - payment.refunded_to_card_cents
    kept = left - payment.instructor_payout_cents
    parties: list[tuple[str, list[tuple[str, int]]]] = [
        (
            "Student",
            [
                ("Lesson", payment.lesson_price_cents),
                ("Booking Protection", payment.student_fee_cents),
                ("Paid with credits", payment.credits_reserved_cents),
                ("To the card", payment.card_amount_cents),
                ("Charged", payment.card_charged_cents),
                ("Refunded", payment.refunded_to_card_cents),
                ("Still charged", left),
                ("Credit for this lesson", payment.student_credit_cents),
            ],
        ),
        (
            "Instructor",
            [
                (f"Commission, {payment.commission_bps / 100:g} %", payment.instructor_commission_cents),
                ("Full payout", payment.instructor_payout_full_cents),
                ("Paid out", payment.instructor_payout_cents),
                ("Short of the full payout", payment.instructor_payout_full_cents - payment.instructor_payout_cents),
            ],
        ),
        (
            "Platform",
            [
                ("Application fee", payment.application_fee_cents),
                ("Top-up", payment.top_up_cents),
                ("Locked with us", payment.locked_amount_cents if payment.has_locked_funds else 0),
                ("Kept, before Stripe's fees", kept),
            ],
        ),
        (
            "Credits",
            [
                ("Released", payment.credits_released_cents),
                ("Issued", payment.credits_issued_cents),
                ("Forfeited", payment.credits_forfeited_cents),
                ("Consumed", payment.credits_consumed_cents),
            ],
        ),
    ]
    return [(party, [(what, dollars(cents)) for what, cents in rows]) for party, rows in parties]


def choices(file: BookingFile, now: datetime) -> list[Choice]:
    """The actions that make sense as things stand; the operations themselves say what is allowed."""
    booking, payment = file.booking, file.payment
    offered: list[tuple[str, str, str]] = []
    in_review = payment.status == PaymentStatus.MANUAL_REVIEW
    if any(report.resolved_at is None for report in file.reports):
        offered.append(("resolve-no-show", "Resolve the no-show", booking.pk))
    elif in_review and payment.review_reason in FAILED:
        offered.append(("retry", "Try again", booking.pk))
        offered.append(("give-up", "Give up", booking.pk))
    if in_review and payment.review_reason not in ("no_show", "chargeback"):
        offered.append(("resolve-review", "Resolve the review", booking.pk))
    if payment.status == PaymentStatus.SETTLED and payment.card_charged_cents > payment.refunded_to_card_cents:
        offered.append(("refund", "Refund", booking.pk))
    if payment.status != PaymentStatus.SETTLED and booking.status in ("PENDING", "CONFIRMED", "COMPLETED"):
        offered.append(("cancel", "Cancel the lesson", booking.pk))
    if booking.has_ended(now) and (
        payment.status in ("authorized", "locked")
        or (payment.status == "payment_method_required" and payment.capture_failed_at)
    ):
        offered.append(("capture", "Capture now", booking.pk))
    for plan in file.plans:
        if plan.finished_at is None:
            offered.append(("resume-plan", f"Carry on: {plan.get_purpose_display().lower()}", plan.pk))
    for hold in file.holds:
        if hold.lifted_at is None:
            offered.append(("lift", f"Lift: {hold.kind}", hold.pk))
    offered.append(("goodwill", "Give goodwill credit", booking.student_id))
    return [Choice(*row) for row in offered]
