"""The ledger: double entry, append-only. Positive is a debit; the lines of an entry sum to zero."""

from django.db import models

from common.ids import ULID_LENGTH, new_id


class LedgerEntry(models.Model):
    """One thing that happened to money, with its balanced lines. `key` makes it happen once."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    key = models.CharField(max_length=120, unique=True, help_text="What it records, once: movement, Stripe object, lot")
    kind = models.CharField(max_length=32)
    payment_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    movement_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    at = models.DateTimeField()
    memo = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class LedgerLine(models.Model):
    """An amount on one account. Lines on a Stripe balance name the Stripe object, to compare object by object."""

    entry = models.ForeignKey(LedgerEntry, models.PROTECT, related_name="lines")
    account = models.CharField(max_length=80, db_index=True, help_text="stripe:platform, stripe:acct_…, card, bank, …")
    amount_cents = models.BigIntegerField()
    stripe_source = models.CharField(max_length=64, blank=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["account", "stripe_source"], name="ledger_by_object")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_cents}"
