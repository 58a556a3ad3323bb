"""What a person must decide, and where our ledger and Stripe's differ."""

from django.db import models
from django.db.models import Q

from common.ids import ULID_LENGTH, new_id


class SupportItem(models.Model):
    """One thing for support to look at. The same cause is one open item."""

    class Kind(models.TextChoices):
        REVERSAL_FAILED = "reversal_failed"
        REFUND_FAILED = "refund_failed"
        PAYOUT_FAILED = "payout_failed"
        CAPTURE_ESCALATED = "capture_escalated"
        CHARGEBACK = "chargeback"
        NO_SHOW_DISPUTED = "no_show_disputed"
        COMPLETION_DISPUTED = "completion_disputed"
        ACCOUNT_LOCKED = "account_locked"
        ACCOUNT_RESTRICTED = "account_restricted"
        ACCOUNT_NEGATIVE = "account_negative"
        BANK_PAYOUT_FAILED = "bank_payout_failed"
        WEBHOOK_STUCK = "webhook_stuck"
        PLAN_STUCK = "plan_stuck"
        LEDGER_DIFFERENCE = "ledger_difference"
        HOLDS_OVERDUE = "holds_overdue"
        UNKNOWN_STATE = "unknown_state"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    cause = models.CharField(max_length=120, help_text="What it is about: a booking, plan, event or difference id")
    booking_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    money_at_risk_cents = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    detail = models.TextField(blank=True)
    owner = models.ForeignKey("accounts.User", models.SET_NULL, null=True, blank=True, related_name="support_items")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "cause"], condition=Q(closed_at__isnull=True), name="one_open_item_per_cause"
            )
        ]
        indexes = [models.Index(fields=["opened_at"], condition=Q(closed_at__isnull=True), name="support_queue")]

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"


class ReconciliationRun(models.Model):
    """One comparison of our ledger with Stripe's balance transactions; resumable by its cursors."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    since = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    cursors = models.JSONField(default=dict)
    read_count = models.PositiveIntegerField(default=0)
    difference_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"reconciliation {self.started_at:%Y-%m-%d %H:%M}"


class ReconciliationDifference(models.Model):
    """Something our ledger and Stripe do not agree on. It never changes money by itself."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    run = models.ForeignKey(ReconciliationRun, models.PROTECT, related_name="differences")
    stripe_account = models.CharField(max_length=64, blank=True, help_text="Empty for the platform")
    stripe_source = models.CharField(max_length=64, help_text="The Stripe object")
    expected_cents = models.BigIntegerField(null=True, help_text="What our ledger says; empty when it knows nothing")
    found_cents = models.BigIntegerField(null=True, help_text="What Stripe says; empty when it knows nothing")
    probable_cause = models.CharField(max_length=200)
    booking_id = models.CharField(max_length=ULID_LENGTH, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "stripe_account", "stripe_source"], name="one_difference_per_object")
        ]

    def __str__(self) -> str:
        return f"{self.stripe_source}: {self.expected_cents} / {self.found_cents}"
