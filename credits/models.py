"""Credit lots (policy 8). A lot has one amount and one state; using a part of it splits it into two lots."""

from django.db import models

from common.ids import ULID_LENGTH, new_id


class Wallet(models.Model):
    """One row per person, locked while their lots move: two checkouts can never spend the same cent."""

    user = models.OneToOneField("accounts.User", models.PROTECT, primary_key=True, related_name="wallet")

    def __str__(self) -> str:
        return f"wallet of {self.user_id}"


class CreditLot(models.Model):
    """An amount of credit with one source, one expiry and one state."""

    class Status(models.TextChoices):
        AVAILABLE = "available", "Available"
        RESERVED = "reserved", "Reserved"
        CONSUMED = "consumed", "Consumed"
        FORFEITED = "forfeited", "Forfeited"
        EXPIRED = "expired", "Expired"
        FROZEN = "frozen", "Frozen"
        REVOKED = "revoked", "Revoked"

    class Source(models.TextChoices):
        CANCEL_12_24 = "cancel_12_24", "Cancelled 12–24 h before"
        CANCEL_LT12 = "cancel_lt12", "Cancelled less than 12 h before"
        CANCEL_LOCKED = "cancel_locked", "Locked lesson cancelled"
        MILESTONE = "milestone", "Milestone"
        REFERRAL = "referral", "Referral"
        GOODWILL = "goodwill", "Goodwill"
        MIGRATION = "migration", "Migration"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="credit_lots")
    amount_cents = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.AVAILABLE)
    source = models.CharField(max_length=16, choices=Source.choices)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(help_text="When it was issued; parts of a split keep it")
    origin_payment_id = models.CharField(
        max_length=ULID_LENGTH, blank=True, db_index=True, help_text="The payment it was issued from, if any"
    )
    issue_key = models.CharField(max_length=120, unique=True, null=True, help_text="One issue per cause; empty on parts")
    split_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="parts")
    reserved_for = models.CharField(
        max_length=ULID_LENGTH, blank=True, db_index=True, help_text="The payment it is reserved for or was used by"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_cents__gt=0), name="credit_lot_positive"),
            models.CheckConstraint(
                condition=~models.Q(status="reserved") | ~models.Q(reserved_for=""), name="reserved_lot_names_its_payment"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "status", "expires_at", "created_at", "id"], name="lots_first_expiring"),
            models.Index(fields=["expires_at"], condition=models.Q(status="available"), name="lots_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} {self.status}"


class CreditEntry(models.Model):
    """What happened to a lot, append-only."""

    class Kind(models.TextChoices):
        ISSUE = "issue"
        RESERVE = "reserve"
        RELEASE = "release"
        CONSUME = "consume"
        FORFEIT = "forfeit"
        EXPIRE = "expire"
        FREEZE = "freeze"
        UNFREEZE = "unfreeze"
        REVOKE = "revoke"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    lot = models.ForeignKey(CreditLot, models.PROTECT, related_name="entries")
    owner = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount_cents = models.PositiveIntegerField()
    payment_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "credit entries"
        indexes = [models.Index(fields=["owner", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_cents}"
