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
    issue_key = models.CharField(
        max_length=120, unique=True, null=True, help_text="One issue per cause; empty on parts"
    )
    split_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts", help_text="The issued lot it is a part of"
    )
    reserved_for = models.CharField(
        max_length=ULID_LENGTH, blank=True, db_index=True, help_text="The payment it is reserved for or was used by"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_cents__gt=0), name="credit_lot_positive"),
            models.CheckConstraint(
                condition=models.Q(status__in=["reserved", "consumed", "forfeited"], reserved_for__gt="")
                | (~models.Q(status__in=["reserved", "consumed", "forfeited"]) & models.Q(reserved_for="")),
                name="lot_in_use_names_its_payment",
            ),
            models.CheckConstraint(
                condition=models.Q(issue_key__isnull=False) | models.Q(split_from__isnull=False),
                name="lot_is_issued_or_a_part",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "status", "expires_at", "created_at", "id"], name="lots_first_expiring"),
            models.Index(fields=["expires_at"], condition=models.Q(status="available"), name="lots_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} {self.status}"


class CreditFreeze(models.Model):
    """A charged-back payment: the credits issued from it stay frozen while it is open (policy 7).

    While `open`, whatever comes back to a wallet from that payment is frozen too; once `lost`, it is revoked.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        LIFTED = "lifted", "Lifted: won or withdrawn"
        LOST = "lost", "Lost: credits revoked"

    payment_id = models.CharField(primary_key=True, max_length=ULID_LENGTH)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | models.Q(state__in=["lifted", "lost"], closed_at__isnull=False),
                name="freeze_closed_has_its_date",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} freeze of {self.payment_id}"


class CreditEntry(models.Model):
    """What happened to a lot, append-only. An entry covers the whole lot it names: a part is split off first."""

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
    reason = models.CharField(max_length=200, blank=True, help_text="The issue key or cause")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "credit entries"
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_cents__gt=0), name="credit_entry_positive"),
        ]
        indexes = [models.Index(fields=["owner", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_cents}"
