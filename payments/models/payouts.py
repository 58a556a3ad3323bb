"""Money on its way from instructors' Stripe balances to their banks."""

from django.db import models
from django.db.models import F, Q

from common.ids import ULID_LENGTH, new_id


class Payout(models.Model):
    """A payout of an instructor's Stripe balance to their bank, as last read back from Stripe."""

    id = models.CharField(primary_key=True, max_length=64, help_text="Stripe's po_…")
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="payouts")
    stripe_account_id = models.CharField(max_length=64)
    amount_cents = models.PositiveBigIntegerField()
    method = models.CharField(max_length=12, help_text="standard or instant")
    is_automatic = models.BooleanField(help_text="By Stripe's own schedule")
    status = models.CharField(max_length=12, help_text="Stripe's: pending, in_transit, paid, failed or canceled")
    created_at = models.DateTimeField()
    arrival_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["instructor", "-created_at", "-id"], name="payouts_of_instructor")]

    def __str__(self) -> str:
        return f"payout {self.id}"


class InstantPayout(models.Model):
    """An instructor's decision to be paid at once for a fee: what was decided, and how far it has come.

    Decided, then the payout is made, then its fee is collected; concluded when both have ended, well or not. When the bank
    sends the payout back, the fee is given back.
    """

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="instant_payouts")
    stripe_account_id = models.CharField(max_length=64)
    request_key = models.CharField(
        max_length=255, null=True, help_text="The request that made it, so that it is made once"
    )
    amount_cents = models.PositiveBigIntegerField(help_text="What leaves the balance: the payout and its fee")
    fee_cents = models.PositiveBigIntegerField()
    decided_at = models.DateTimeField()
    generation = models.PositiveSmallIntegerField(default=0, help_text="Which keys: new ones when the old did nothing")

    sent_at = models.DateTimeField(null=True, blank=True, help_text="Before the first request left")
    payout = models.OneToOneField(Payout, models.PROTECT, null=True, blank=True, related_name="instant")
    refusal_code = models.CharField(max_length=64, blank=True)
    refusal_message = models.CharField(max_length=300, blank=True)

    fee_sent_at = models.DateTimeField(null=True, blank=True)
    fee_transfer_id = models.CharField(max_length=64, blank=True)
    fee_refusal = models.CharField(max_length=300, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="By the machine's own clock")
    concluded_at = models.DateTimeField(null=True, blank=True)

    fee_return_sent_at = models.DateTimeField(null=True, blank=True)
    fee_return_id = models.CharField(max_length=64, blank=True)
    fee_returned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instructor", "request_key"], name="one_instant_payout_per_request"),
            models.UniqueConstraint(
                fields=["instructor"], condition=Q(concluded_at=None), name="one_unfinished_instant_payout"
            ),
            models.CheckConstraint(condition=Q(fee_cents__lt=F("amount_cents")), name="fee_below_the_payout"),
            models.CheckConstraint(
                condition=Q(payout=None) | Q(refusal_code=""), name="instant_payout_is_made_or_refused"
            ),
        ]

    def __str__(self) -> str:
        return f"instant payout {self.id}"

    @property
    def payout_cents(self) -> int:
        """What arrives at the bank."""
        return self.amount_cents - self.fee_cents

    @property
    def state(self) -> str:
        """processing, refused, or what Stripe says of the payout."""
        if self.refusal_code:
            return "refused"
        return self.payout.status if self.payout else "processing"
