"""A few rows of everything the admin shows, each hanging on people and lessons of its own."""

from datetime import date, time, timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task
from djstripe.models import WebhookEndpoint, WebhookEventTrigger

from accounts.account_mail import AccountMail
from accounts.audit_trail import AuditEntry
from accounts.idempotency import IdempotencyKey
from accounts.models import AccountHold
from bookings.models import (
    Booking,
    BookingEvent,
    CalendarFeed,
    CompletionDispute,
    MailLog,
    NoShowReport,
    RateChange,
    ReconciliationDifference,
    ReconciliationRun,
    SupportItem,
    Unsubscribed,
)
from catalog.models import AvailabilityException, FoundingPlace, Service, WeeklyHours
from community.models import Conversation, Favorite, Message, Referral, ReferralCode, Review
from credits.models import CreditFreeze
from packages.models import Entitlement, Package, PackageProduct
from payments import ledger
from payments.models import (
    Chargeback,
    ConnectAccount,
    InstantPayout,
    MoneyMovement,
    MoneyPlan,
    Payment,
    PaymentMethod,
    Payout,
    StripeEventInbox,
)
from support.models import DeskAction, Note
from tests.support.factories import NOON, ServiceFactory, UserFactory, give_credit

HOUR = timedelta(hours=1)
AMOUNTS = {
    "lesson_price_cents": 12000,
    "student_fee_cents": 1440,
    "commission_bps": 1200,
    "instructor_commission_cents": 1440,
    "instructor_payout_full_cents": 10560,
    "card_amount_cents": 13440,
    "application_fee_cents": 2880,
    "top_up_cents": 0,
}


def fill(numbers: range) -> None:
    """One row of everything for each number."""
    for number in numbers:
        with transaction.atomic():
            service = ServiceFactory.create(instructor__hours=[(number % 7, time(9), time(17))])
            booking = _lesson(service, number)
            _people(service, booking, number)
            _money(booking, number)
            _package(booking, number)
            _history(booking, number)
            _community(service, booking)
            _machinery(number)


def _lesson(service: Service, number: int) -> Booking:
    student, instructor = UserFactory.create(), service.instructor.user
    payment = Payment.objects.create(student=student, instructor=instructor, created_at=NOON, **AMOUNTS)
    starts_at = NOON + 24 * HOUR + number * 2 * HOUR
    booking: Booking = Booking.objects.create(
        student=student, instructor=instructor, service=service, payment=payment, starts_at=starts_at,
        ends_at=starts_at + HOUR, timezone="UTC", duration_minutes=60, location_type="online", created_at=NOON,
    )  # fmt: skip
    return booking


def _people(service: Service, booking: Booking, number: int) -> None:
    profile, student, instructor = service.instructor, booking.student, booking.instructor
    FoundingPlace.objects.create(number=number + 1, instructor=profile, granted_at=NOON)
    AvailabilityException.objects.create(instructor=profile, date=date(2027, 3, 1) + timedelta(days=number))
    AccountHold.objects.create(
        user=student, kind="locked", payment_id=booking.payment_id, amount_cents=100, opened_at=NOON
    )
    IdempotencyKey.objects.create(user=student, key=str(number), fingerprint="x", claimed_at=NOON, created_at=NOON)
    AuditEntry.objects.create(at=NOON, door="api", operation="refund_booking", actor_id=student.pk, status=200)
    AccountMail.objects.create(kind="verify_email", to=student.email, code="K3YC0D", created_at=NOON)
    ConnectAccount.objects.create(instructor=instructor, stripe_account_id=f"acct_{number}", read_at=NOON)
    PaymentMethod.objects.create(
        user=student, stripe_id=f"pm_{number}", brand="visa", last4="4242", exp_month=1, exp_year=2040
    )
    Group.objects.create(name=f"group {number}")
    assert WeeklyHours.objects.filter(instructor=profile).exists()


def _money(booking: Booking, number: int) -> None:
    payment = booking.payment
    plan = MoneyPlan.objects.create(
        payment=payment, booking_id=booking.pk, purpose="capture", actor_role="system", door="job", decided_at=NOON,
        next_attempt_at=NOON,
    )  # fmt: skip
    MoneyMovement.objects.create(
        plan=plan, payment=payment, position=0, kind="capture", amount_cents=13440, idempotency_key=f"key-{number}",
        done_at=NOON,
    )  # fmt: skip
    ledger.post(
        key=f"test:{number}", kind="test", at=NOON, lines=[ledger.Line(ledger.CARD, 1), ledger.Line(ledger.BANK, -1)]
    )
    Chargeback.objects.create(
        id=f"dp_{number}", payment=payment, charge_id="ch_1", amount_cents=100, status="lost", opened_at=NOON
    )
    payout = Payout.objects.create(
        id=f"po_{number}", instructor=booking.instructor, stripe_account_id=f"acct_{number}", amount_cents=980,
        method="instant", is_automatic=False, status="paid", created_at=NOON, read_at=NOON,
    )  # fmt: skip
    InstantPayout.objects.create(
        instructor=booking.instructor, stripe_account_id=f"acct_{number}", amount_cents=1000, fee_cents=20,
        decided_at=NOON, payout=payout,
    )  # fmt: skip
    give_credit(booking.student, 500)
    CreditFreeze.objects.create(payment_id=payment.pk, opened_at=NOON)
    StripeEventInbox.objects.create(
        event_id=f"evt_{number}", type="payout.paid", payload={}, received_at=NOON, next_attempt_at=NOON
    )


def _package(booking: Booking, number: int) -> None:
    amounts = AMOUNTS | {
        "instructor_commission_cents": 0, "commission_bps": 0, "instructor_payout_full_cents": 12000,
        "student_fee_cents": 0, "card_amount_cents": 12000, "application_fee_cents": 0,
    }  # fmt: skip
    people = {"student": booking.student, "instructor": booking.instructor}
    payment = Payment.objects.create(kind="package", created_at=NOON, **people, **amounts)
    product = PackageProduct.objects.create(service_type=f"kind-{number}", stripe_product_id=f"prod_{number}")
    package = Package.objects.create(
        **people, service=booking.service, product=product, payment=payment, first_booking=booking, price_id="price_1",
        source="create_session", price_cents=12000, lesson_count=1, duration_minutes=60, commission_bps=1200,
        created_at=NOON, pay_by=NOON,
    )  # fmt: skip
    Entitlement.objects.create(package=package, number=1, price_cents=12000, commission_cents=1440)


def _history(booking: Booking, number: int) -> None:
    event = BookingEvent.objects.create(
        booking=booking, kind="booking_created", at=NOON, actor_role="student", door="api", status_to="PENDING",
        amounts={"card_amount_cents": 13440}, details={"more": "<b>"},
    )  # fmt: skip
    CalendarFeed.objects.create(user=booking.student, token_hash=f"hash {number}", created_at=NOON)
    MailLog.objects.create(
        event=event, recipient=booking.student, to=booking.student.email, kind="x.student", created_at=NOON
    )
    NoShowReport.objects.create(
        booking=booking, type="student", reported_by_role="instructor", reported_by_id=booking.instructor_id,
        reported_at=NOON, reason="Nobody came", dispute_window_ends=NOON + 24 * HOUR,
    )  # fmt: skip
    CompletionDispute.objects.create(booking=booking, opened_at=NOON, reason="It ended early")
    SupportItem.objects.create(
        kind="chargeback", cause=str(number), booking_id=booking.pk, opened_at=NOON, owner=UserFactory.create()
    )
    RateChange.objects.create(effective_from=NOON + number * HOUR, reason="?", made_by=booking.instructor, made_at=NOON)
    Unsubscribed.objects.create(user=booking.student, topic="credits", at=NOON)
    Note.objects.create(booking=booking, author=booking.instructor, text="Called", at=NOON)
    DeskAction.objects.create(
        action="refund", subject_id=booking.pk, asked_by=booking.instructor, asked_at=NOON, next_attempt_at=NOON
    )
    run = ReconciliationRun.objects.create(started_at=NOON)
    ReconciliationDifference.objects.create(run=run, stripe_source=f"ch_{number}", found_cents=5, probable_cause="?")


def _community(service: Service, booking: Booking) -> None:
    student, instructor = booking.student, booking.instructor
    Favorite.objects.create(student=student, instructor=service.instructor, created_at=NOON)
    Review.objects.create(
        booking=booking, student=student, instructor=service.instructor, rating=5, text="<b>", created_at=NOON
    )
    ReferralCode.objects.create(student=student, code=student.pk[-12:], created_at=NOON)
    Referral.objects.create(referrer=student, referred=instructor, created_at=NOON)
    talk = Conversation.objects.create(
        student=student, instructor=instructor, created_at=NOON, last_message_at=NOON, last_number=1
    )
    Message.objects.create(conversation=talk, number=1, sender=student, text="<b>", sent_at=NOON)


def _machinery(number: int) -> None:
    async_task("bookings.jobs.send_mail", str(number))
    Schedule.objects.create(name=f"job {number}", func="instainstru.schedules.run")
    for kind, success in ((Success, True), (Failure, False)):
        kind.objects.create(
            id=f"{number:031d}{success:d}", name=str(number), func="f", started=NOON, stopped=NOON, success=success
        )
    WebhookEndpoint.objects.create(
        id=f"we_{number}", url="https://example.com/", enabled_events=["*"], secret="whsec_nobody_reads_this"
    )
    WebhookEventTrigger.objects.create(remote_ip="127.0.0.1", headers={}, body="{}")
    assert OrmQ.objects.exists()
