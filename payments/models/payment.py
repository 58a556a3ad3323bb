"""One payment: what was quoted, where it stands, what Stripe has confirmed."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from common.ids import ULID_LENGTH, new_id
from payments.state_machine import PaymentMachine
from payments.vocabulary import Outcome, PaymentStatus, choices


class Payment(PaymentMachine):
    """The money of one lesson, which it follows through reschedules, or of a package's purchase. Integer US cents."""

    class Kind(models.TextChoices):
        LESSON = "lesson", "A lesson"
        PACKAGE = "package", "The purchase of a package"

    objects: ClassVar[models.Manager["Payment"]] = models.Manager()

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    student = models.ForeignKey("accounts.User", models.PROTECT, related_name="payments")
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="earnings")
    created_at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.LESSON)

    # Quoted and frozen (policy 1)
    lesson_price_cents = models.PositiveIntegerField()
    student_fee_cents = models.PositiveIntegerField()
    commission_bps = models.PositiveIntegerField()
    instructor_commission_cents = models.PositiveIntegerField()
    instructor_payout_full_cents = models.PositiveIntegerField()
    credits_reserved_cents = models.PositiveIntegerField(default=0)
    prepaid_cents = models.PositiveIntegerField(default=0, help_text="Of the price, paid beforehand with a package")
    entitlement = models.ForeignKey(
        "packages.Entitlement", models.PROTECT, null=True, blank=True, related_name="payments",
        help_text="What a prepaid lesson was booked with",
    )  # fmt: skip
    card_amount_cents = models.PositiveIntegerField()
    application_fee_cents = models.PositiveIntegerField()
    top_up_cents = models.PositiveIntegerField()

    # What Stripe knows it by
    stripe_metadata = models.JSONField(default=dict, blank=True, help_text="Written on its objects at Stripe")
    payment_method_id = models.CharField(max_length=64, blank=True)
    setup_intent_id = models.CharField(max_length=64, blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True, db_index=True)
    charge_id = models.CharField(max_length=64, blank=True, db_index=True)
    destination_account_id = models.CharField(max_length=64, blank=True)
    capture_before = models.DateTimeField(null=True, blank=True, help_text="When Stripe lets the hold go")

    # The hold (policy 4.2, 4.3)
    auth_scheduled_for = models.DateTimeField(null=True, blank=True)
    auth_attempted_at = models.DateTimeField(null=True, blank=True)
    auth_first_attempted_at = models.DateTimeField(null=True, blank=True)
    auth_next_attempt_at = models.DateTimeField(null=True, blank=True)
    auth_warned_at = models.DateTimeField(null=True, blank=True)
    auth_cancel_at = models.DateTimeField(null=True, blank=True, help_text="Unpaid by then: cancelled")
    auth_failure_count = models.PositiveSmallIntegerField(default=0)
    auth_last_error = models.CharField(max_length=120, blank=True)

    # The capture (policy 4.5)
    capture_due_at = models.DateTimeField(null=True, blank=True)
    captured_at = models.DateTimeField(null=True, blank=True)
    capture_failed_at = models.DateTimeField(
        null=True, blank=True, help_text="The first failure; retries do not move it"
    )
    capture_last_attempt_at = models.DateTimeField(null=True, blank=True)
    capture_retry_count = models.PositiveSmallIntegerField(default=0)
    capture_escalated_at = models.DateTimeField(null=True, blank=True)
    owed_outcome = models.CharField(
        max_length=40, blank=True, choices=choices(Outcome), help_text="Decided, while its capture is being retried"
    )

    # LOCK (policy 6)
    locked_at = models.DateTimeField(null=True, blank=True)
    locked_amount_cents = models.PositiveIntegerField(default=0)
    lock_resolution = models.CharField(max_length=40, blank=True)
    lock_resolved_at = models.DateTimeField(null=True, blank=True)
    late_reschedule_used = models.BooleanField(default=False)
    original_starts_at = models.DateTimeField(null=True, blank=True)

    # Review
    review_reason = models.CharField(max_length=60, blank=True)
    reviewed_since = models.DateTimeField(null=True, blank=True)

    # What happened, recorded only once Stripe has confirmed it (policy 3)
    settlement_outcome = models.CharField(max_length=40, blank=True, choices=choices(Outcome))
    settled_at = models.DateTimeField(null=True, blank=True)
    card_charged_cents = models.PositiveIntegerField(default=0)
    refunded_to_card_cents = models.PositiveIntegerField(default=0)
    student_credit_cents = models.PositiveIntegerField(default=0)
    instructor_payout_cents = models.PositiveIntegerField(default=0)
    credits_released_cents = models.PositiveIntegerField(default=0)
    credits_issued_cents = models.PositiveIntegerField(default=0)
    credits_forfeited_cents = models.PositiveIntegerField(default=0)
    credits_consumed_cents = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(PaymentStatus)), name="payment_status_is_one_of_six"),
            models.CheckConstraint(
                condition=Q(
                    card_amount_cents=F("lesson_price_cents")
                    - F("credits_reserved_cents")
                    - F("prepaid_cents")
                    + F("student_fee_cents")
                ),
                name="card_pays_price_less_credit_plus_fee",
            ),
            models.CheckConstraint(
                condition=Q(entitlement__isnull=True, prepaid_cents=0)
                | Q(
                    entitlement__isnull=False,
                    prepaid_cents=F("lesson_price_cents"),
                    student_fee_cents=0,
                    credits_reserved_cents=0,
                ),
                name="prepaid_wholly_or_not",
            ),
            models.UniqueConstraint(
                fields=["entitlement"], condition=~Q(status="settled"), name="one_lesson_at_a_time_per_entitlement"
            ),
            models.CheckConstraint(
                condition=Q(credits_reserved_cents__lte=F("lesson_price_cents")), name="credit_at_most_the_price"
            ),
            models.CheckConstraint(
                condition=Q(instructor_payout_full_cents=F("lesson_price_cents") - F("instructor_commission_cents")),
                name="payout_is_price_less_commission",
            ),
            models.CheckConstraint(
                condition=Q(
                    application_fee_cents=Greatest(0, F("card_amount_cents") - F("instructor_payout_full_cents")),
                    top_up_cents=Greatest(0, F("instructor_payout_full_cents") - F("card_amount_cents")),
                ),
                name="fee_and_top_up_make_the_payout",
            ),
            models.CheckConstraint(
                condition=Q(refunded_to_card_cents__lte=F("card_charged_cents")), name="refunded_at_most_captured"
            ),
            models.CheckConstraint(
                condition=Q(instructor_payout_cents__lte=F("instructor_payout_full_cents")),
                name="paid_at_most_full_payout",
            ),
            models.CheckConstraint(
                condition=~Q(status="settled") | ~Q(settlement_outcome=""), name="settled_has_an_outcome"
            ),
            models.CheckConstraint(
                condition=~Q(status="manual_review") | ~Q(frozen_status=""), name="review_knows_what_it_froze"
            ),
        ]
        indexes = [
            models.Index(fields=["auth_scheduled_for"], condition=Q(status="scheduled"), name="holds_due"),
            models.Index(
                fields=["auth_next_attempt_at"], condition=Q(status="payment_method_required"), name="holds_to_retry"
            ),
            models.Index(
                fields=["auth_cancel_at"], condition=Q(status="payment_method_required"), name="holds_to_give_up"
            ),
            models.Index(
                fields=["auth_first_attempted_at"], condition=Q(status="payment_method_required"), name="checkouts_open"
            ),
            models.Index(
                fields=["capture_due_at"], condition=Q(status__in=["authorized", "locked"]), name="captures_due"
            ),
            models.Index(
                fields=["capture_last_attempt_at"],
                condition=Q(status="payment_method_required", capture_failed_at__isnull=False),
                name="captures_to_retry",
            ),
            models.Index(
                fields=["capture_before"], condition=Q(status="manual_review"), name="holds_expiring_in_review"
            ),
            models.Index(fields=["student", "status"], name="payments_of_student"),
        ]

    def __str__(self) -> str:
        return f"payment {self.id}"

    @property
    def is_captured(self) -> bool:
        """Money has left the student's card: with this payment, or beforehand with a package's."""
        return self.card_charged_cents > 0 or self.is_prepaid

    @property
    def is_prepaid(self) -> bool:
        """A lesson of a package."""
        return self.entitlement_id is not None

    @property
    def has_locked_funds(self) -> bool:
        """The platform holds this lesson's money (LOCK) and it is not resolved yet."""
        return self.locked_at is not None and self.lock_resolved_at is None
