"""Chargebacks: a student's bank takes the money back, and what became of it."""

from django.db import models

from .payment import Payment


class Chargeback(models.Model):
    """A dispute at Stripe (`dp_…`), as last read from there."""

    id = models.CharField(primary_key=True, max_length=64, help_text="Stripe's dispute id")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="chargebacks")
    charge_id = models.CharField(max_length=64, db_index=True)
    amount_cents = models.PositiveIntegerField()
    reason = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=32)
    evidence_due_by = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When our side froze and clawed back")
    closed_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=12, blank=True, help_text="won, lost or withdrawn")

    def __str__(self) -> str:
        return f"{self.id} {self.status}"
