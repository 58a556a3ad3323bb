"""What Stripe keeps for our people: instructors' connected accounts, students' saved cards."""

from django.db import models
from django.db.models import Q

from common.ids import ULID_LENGTH, new_id


class ConnectAccount(models.Model):
    """An instructor's Stripe account, as last read from Stripe."""

    instructor = models.OneToOneField("accounts.User", models.PROTECT, primary_key=True, related_name="connect_account")
    stripe_account_id = models.CharField(max_length=64, unique=True, null=True)
    charges_enabled = models.BooleanField(default=False)
    payouts_enabled = models.BooleanField(default=False)
    details_submitted = models.BooleanField(default=False)
    requirements_due = models.JSONField(default=list)
    disabled_reason = models.CharField(max_length=80, blank=True, help_text="Stripe's, when something is off")
    requirements_deadline = models.DateTimeField(null=True, blank=True, help_text="Not given by then: switched off")
    read_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.stripe_account_id or "(not started)"


class PaymentMethod(models.Model):
    """A card a student has saved at Stripe. We keep only what lets them recognise it."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="payment_methods")
    stripe_id = models.CharField(max_length=64, unique=True)
    brand = models.CharField(max_length=24)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    detached_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_default=True, detached_at__isnull=True), name="one_default_card"
            )
        ]

    def __str__(self) -> str:
        return f"{self.brand} •••• {self.last4}"
