"""A decision about money, and the movements it consists of (docs/decisions: decide, commit, move, conclude)."""

from django.db import models
from django.db.models import Q

from common.ids import ULID_LENGTH, new_id

from .payment import Payment


class MoneyPlan(models.Model):
    """What was decided about one payment: by whom, when, on which terms. At most one is unfinished per payment."""

    class Purpose(models.TextChoices):
        CHECK_OUT = "check_out", "Check out"
        AUTHORIZE = "authorize", "Place the hold"
        CONFIRM_HOLD = "confirm_hold", "Take note of a hold"
        CANCEL = "cancel", "Cancel"
        EXPIRE = "expire", "Give up an unpaid booking"
        RESCHEDULE = "reschedule", "Reschedule"
        CAPTURE = "capture", "Capture and pay out"
        ESCALATE = "escalate", "Advance the payout of an unpaid lesson"
        REPAY = "repay", "Pay an escalated lesson"
        RESOLVE_NO_SHOW = "resolve_no_show", "Resolve a no-show"
        RESOLVE_REVIEW = "resolve_review", "Resolve a review"
        GIVE_UP = "give_up", "Give up what Stripe refused"
        SECURE_FUNDS = "secure_funds", "Secure the money of an expiring hold"
        REFUND = "refund", "Staff refund"
        OPEN_CHARGEBACK = "open_chargeback", "Chargeback opened"
        CLOSE_CHARGEBACK = "close_chargeback", "Chargeback closed"
        BUY_PACKAGE = "buy_package", "Prepare the payment of a package"
        OPEN_SESSION = "open_session", "Prepare a payment in the browser"
        COLLECT_PACKAGE = "collect_package", "Take note of a paid package"
        GIVE_UP_PACKAGE = "give_up_package", "Give up an unpaid package"
        REFUND_PACKAGE = "refund_package", "Refund lessons of a package"
        GIVE_BACK = "give_back", "Give a package's lesson back"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="plans")
    booking_id = models.CharField(max_length=ULID_LENGTH, db_index=True, help_text="The booking, or the package")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    terms = models.JSONField(default=dict, help_text="The decision: plain values that conclude() applies")
    actor_role = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=40, blank=True)
    door = models.CharField(max_length=10)
    reason = models.CharField(max_length=2000, blank=True)
    decided_at = models.DateTimeField(help_text="In the platform's time")
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=60, blank=True)
    fence = models.BigIntegerField(default=0, help_text="The youngest mutex holder that worked on it")
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(help_text="By the machine's own clock", db_index=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment"], condition=Q(finished_at__isnull=True), name="one_unfinished_plan_per_payment"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(finished_at__isnull=True), name="plans_to_resume"),
            models.Index(fields=["payment", "decided_at"], name="plans_of_payment"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"


class MoneyMovement(models.Model):
    """One call to Stripe that changes something there: planned, sent, and done or refused."""

    class Kind(models.TextChoices):
        CREATE_INTENT = "create_intent", "Create the payment intent"
        AUTHORIZE = "authorize", "Place the hold"
        COLLECT = "collect", "Take note of a charge"
        CAPTURE = "capture", "Capture"
        CANCEL_INTENT = "cancel_intent", "Cancel the payment intent"
        REVERSE = "reverse", "Reverse a transfer"
        TRANSFER = "transfer", "Transfer to the instructor"
        REFUND = "refund", "Refund to the card"

    class Status(models.TextChoices):
        PLANNED = "planned"
        SENT = "sent"
        DONE = "done"
        REFUSED = "refused"
        SKIPPED = "skipped"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    plan = models.ForeignKey(MoneyPlan, models.PROTECT, related_name="movements")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="movements")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    purpose = models.CharField(max_length=24, blank=True, help_text="What a transfer pays: top_up, payout, advance, …")
    amount_cents = models.PositiveIntegerField(default=0)
    params = models.JSONField(default=dict, help_text="Everything the request needs beside the amount")
    generation = models.PositiveSmallIntegerField(default=1)
    idempotency_key = models.CharField(max_length=120, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PLANNED)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First sent, by the machine's own clock")
    done_at = models.DateTimeField(null=True, blank=True)
    stripe_id = models.CharField(max_length=64, blank=True, db_index=True)
    stripe_account = models.CharField(max_length=64, blank=True)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=80, blank=True)
    decline_code = models.CharField(max_length=80, blank=True)
    error_message = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="movements_in_order"),
            models.UniqueConstraint(
                fields=["kind", "stripe_id"],
                condition=Q(status="done", kind__in=["create_intent", "collect", "reverse", "transfer", "refund"]),
                name="one_movement_per_stripe_object",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["sent", "done"]) | Q(sent_at__isnull=False), name="sent_movement_says_when"
            ),
        ]
        indexes = [models.Index(fields=["payment", "kind"], name="movements_of_payment")]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"
