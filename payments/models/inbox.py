"""What Stripe has told us, stored once per event and worked through by a job."""

from django.db import models
from django.db.models import Q


class StripeEventInbox(models.Model):
    """One Stripe event. Stored in the transaction that answers Stripe; processed later, once, by reading the object back."""

    event_id = models.CharField(primary_key=True, max_length=64)
    type = models.CharField(max_length=80)
    stripe_account = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True, db_index=True)
    payload = models.JSONField()
    received_at = models.DateTimeField(help_text="By the machine's own clock")
    processed_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "Stripe event"
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(processed_at__isnull=True), name="events_to_process")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
