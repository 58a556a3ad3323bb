"""What the endpoints answer. Each side of a lesson sees its own money and only the other's first name and initial."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import TextOrNull
from accounts.models import User
from bookings.models import Booking, NoShowReport
from common.actors import Role
from payments.models import Chargeback

# What an instructor does not see: what the student pays with, and how.
PAID_BY_THE_STUDENT = frozenset(
    {
        "student_fee_cents",
        "package_id",
        "prepaid_cents",
        "credits_reserved_cents",
        "card_amount_cents",
        "application_fee_cents",
        "top_up_cents",
        "card_charged_cents",
        "refunded_to_card_cents",
        "student_credit_cents",
        "credits_released_cents",
        "credits_issued_cents",
        "credits_forfeited_cents",
        "credits_consumed_cents",
        "auth_scheduled_for",
        "auth_attempted_at",
        "auth_failure_count",
        "auth_last_error",
        "auth_cancel_at",
        "capture_before",
        "capture_failed_at",
        "capture_retry_count",
        "locked_amount_cents",
        "payment_intent_id",
    }
)
# What support without the right to see money does not see either. (A student sees how their own payment is divided,
# as in the price preview.)
MONEY = PAID_BY_THE_STUDENT | {
    "lesson_price_cents",
    "instructor_commission_cents",
    "commission_bps",
    "instructor_payout_full_cents",
    "instructor_payout_cents",
}


def hidden_from(viewer: User) -> frozenset[str]:
    """The members of a booking that this person has no business with."""
    if viewer.role == Role.STUDENT:
        return frozenset()
    if viewer.role == Role.INSTRUCTOR:
        return PAID_BY_THE_STUDENT
    return frozenset() if sees_all_money(viewer) else MONEY


def sees_all_money(viewer: User) -> bool:
    """Support with one of the two financial permissions."""
    may = viewer.has_perm("accounts.view_financials") or viewer.has_perm("accounts.manage_financials")
    return viewer.role == Role.STAFF and may


class PersonDocument(serializers.Serializer[User]):
    """Somebody in a lesson: the whole name for themselves and support, first name and initial for the other side."""

    id = serializers.CharField()
    name = serializers.SerializerMethodField()

    def get_name(self, person: User) -> str:
        viewer: User | None = self.context.get("viewer")
        if viewer and (viewer.pk == person.pk or viewer.role == Role.STAFF):
            return f"{person.first_name} {person.last_name}".strip()
        return person.public_name


class ServiceDocument(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class NoShowDocument(serializers.Serializer[NoShowReport]):
    """The report that counts: the first that was not withdrawn."""

    type = serializers.CharField(help_text="Who is said not to have come: instructor or student")
    reported_by = serializers.CharField(source="reported_by_role")
    reported_at = serializers.DateTimeField()
    reason = serializers.CharField()
    dispute_window_ends = serializers.DateTimeField()
    disputed_at = serializers.DateTimeField(allow_null=True)
    dispute_reason = TextOrNull()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolution = TextOrNull()
    is_mutual = serializers.BooleanField(help_text="Both sides reported each other", default=False)


class DisputeDocument(serializers.Serializer[Any]):
    """A chargeback by the student's bank, or the instructor's word against a completion."""

    kind = serializers.CharField(help_text="chargeback or completion")
    opened_at = serializers.DateTimeField(allow_null=True)
    reason = TextOrNull()
    status = TextOrNull(help_text="At Stripe, for a chargeback")
    evidence_due_by = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolution = TextOrNull()


def _cents(**kwargs: Any) -> serializers.IntegerField:
    return serializers.IntegerField(required=False, **kwargs)


def _of_payment(name: str) -> serializers.DateTimeField:
    return serializers.DateTimeField(source=f"payment.{name}", allow_null=True, required=False)


class BookingDocument(serializers.Serializer[Booking]):
    """One lesson and its money. Members that the caller has no business with are absent; empty ones are null."""

    id = serializers.CharField()
    status = serializers.CharField(help_text="PENDING, CONFIRMED, COMPLETED, CANCELLED or NO_SHOW")
    payment_status = serializers.CharField(help_text="One of six: scheduled, authorized, …")
    settlement_outcome = TextOrNull(source="payment.settlement_outcome")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    location_type = serializers.CharField()
    address = TextOrNull()
    note = TextOrNull()
    service = ServiceDocument()
    student = PersonDocument()
    instructor = PersonDocument()
    created_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)

    lesson_price_cents = _cents(source="payment.lesson_price_cents")
    student_fee_cents = _cents(source="payment.student_fee_cents")
    instructor_commission_cents = _cents(source="payment.instructor_commission_cents")
    commission_bps = _cents(source="payment.commission_bps")
    instructor_payout_full_cents = _cents(source="payment.instructor_payout_full_cents")
    package_id = serializers.CharField(
        source="payment.entitlement.package_id", allow_null=True, default=None, help_text="Of a lesson paid beforehand"
    )
    prepaid_cents = _cents(source="payment.prepaid_cents")
    credits_reserved_cents = _cents(source="payment.credits_reserved_cents")
    card_amount_cents = _cents(source="payment.card_amount_cents")
    application_fee_cents = _cents(source="payment.application_fee_cents")
    top_up_cents = _cents(source="payment.top_up_cents")
    card_charged_cents = _cents(source="payment.card_charged_cents")
    refunded_to_card_cents = _cents(source="payment.refunded_to_card_cents")
    student_credit_cents = _cents(source="payment.student_credit_cents")
    instructor_payout_cents = _cents(source="payment.instructor_payout_cents")
    credits_released_cents = _cents(source="payment.credits_released_cents")
    credits_issued_cents = _cents(source="payment.credits_issued_cents")
    credits_forfeited_cents = _cents(source="payment.credits_forfeited_cents")
    credits_consumed_cents = _cents(source="payment.credits_consumed_cents")

    auth_scheduled_for = _of_payment("auth_scheduled_for")
    auth_attempted_at = _of_payment("auth_attempted_at")
    auth_failure_count = _cents(source="payment.auth_failure_count")
    auth_last_error = TextOrNull(source="payment.auth_last_error", required=False)
    auth_cancel_at = _of_payment("auth_cancel_at")
    capture_before = _of_payment("capture_before")
    capture_due_at = _of_payment("capture_due_at")
    capture_failed_at = _of_payment("capture_failed_at")
    capture_retry_count = _cents(source="payment.capture_retry_count")
    payment_intent_id = TextOrNull(source="payment.payment_intent_id", required=False)

    locked_at = _of_payment("locked_at")
    locked_amount_cents = _cents(source="payment.locked_amount_cents")
    lock_resolution = TextOrNull(source="payment.lock_resolution")
    lock_resolved_at = _of_payment("lock_resolved_at")
    has_locked_funds = serializers.BooleanField(source="payment.has_locked_funds")
    late_reschedule_used = serializers.BooleanField(source="payment.late_reschedule_used")
    rescheduled_from_id = serializers.CharField(allow_null=True)
    rescheduled_to_id = serializers.CharField(source="rescheduled_to.id", allow_null=True, default=None)
    original_starts_at = _of_payment("original_starts_at")

    no_show = serializers.SerializerMethodField()
    dispute = serializers.SerializerMethodField()
    review_reason = TextOrNull(source="payment.review_reason")
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancelled_by = TextOrNull()
    cancellation_reason = TextOrNull()
    completed_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        viewer = self.context.get("viewer")
        for name in hidden_from(viewer) if viewer else ():
            fields.pop(name)
        return fields

    @extend_schema_field(NoShowDocument(allow_null=True))
    def get_no_show(self, booking: Booking) -> dict[str, Any] | None:
        reports = list(booking.no_show_reports.all())
        standing = [report for report in reports if report.resolution != NoShowReport.Resolution.CANCELLED]
        if not reports:
            return None
        report = (standing or reports)[0]
        return {**NoShowDocument(report).data, "is_mutual": len(standing) > 1}

    @extend_schema_field(DisputeDocument(allow_null=True))
    def get_dispute(self, booking: Booking) -> dict[str, Any] | None:
        dispute = _chargeback(booking.payment.chargebacks.all()) or _completion_dispute(booking)
        return DisputeDocument(dispute).data if dispute else None


def _chargeback(chargebacks: Iterable[Chargeback]) -> dict[str, Any] | None:
    latest = max(chargebacks, key=lambda chargeback: (chargeback.closed_at is None, chargeback.id), default=None)
    if latest is None:
        return None
    return {
        "kind": "chargeback",
        "opened_at": latest.opened_at,
        "reason": latest.reason,
        "status": latest.status,
        "evidence_due_by": latest.evidence_due_by,
        "resolved_at": latest.closed_at,
        "resolution": latest.result,
    }


def _completion_dispute(booking: Booking) -> dict[str, Any] | None:
    dispute = getattr(booking, "completion_dispute", None)
    if dispute is None:
        return None
    return {
        "kind": "completion",
        "opened_at": dispute.opened_at,
        "reason": dispute.reason,
        "status": "",
        "evidence_due_by": None,
        "resolved_at": dispute.resolved_at,
        "resolution": dispute.resolution,
    }
