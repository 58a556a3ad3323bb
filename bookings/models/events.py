"""What happened to a booking, append-only: what, who, when, amounts, Stripe ids, key (policy 9)."""

from django.db import models

from common.ids import ULID_LENGTH, new_id

from .booking import Booking


class BookingEvent(models.Model):
    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=48)
    at = models.DateTimeField(help_text="In the platform's time")
    actor_role = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=40, blank=True)
    door = models.CharField(max_length=10)
    reason = models.CharField(max_length=2000, blank=True)
    status_from = models.CharField(max_length=12, blank=True)
    status_to = models.CharField(max_length=12, blank=True)
    payment_status_from = models.CharField(max_length=24, blank=True)
    payment_status_to = models.CharField(max_length=24, blank=True)
    amounts = models.JSONField(default=dict)
    stripe_ids = models.JSONField(default=dict)
    plan_id = models.CharField(max_length=ULID_LENGTH, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["booking", "at", "id"], name="events_of_booking")]

    def __str__(self) -> str:
        return f"{self.kind} {self.booking_id}"


class MailLog(models.Model):
    """One mail per event, recipient and kind (invariant 11). Written with the event; sent afterwards by a job.

    What no booking's event tells (a payout, a credit about to expire) has a `cause` and its `facts` instead of an event.
    """

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    event = models.ForeignKey(BookingEvent, models.PROTECT, null=True, blank=True, related_name="mails")
    cause = models.CharField(max_length=120, blank=True, help_text="What it is about, when that is no booking's event")
    facts = models.JSONField(default=dict, help_text="What it says beside its event, as plain values")
    copy = models.PositiveSmallIntegerField(default=0, help_text="Sent again by support: the first time, the second, …")
    not_before = models.DateTimeField(null=True, blank=True, help_text="Waits out its reader's night")
    recipient = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="mails")
    to = models.EmailField()
    kind = models.CharField(max_length=48)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "to", "kind", "copy"], name="one_mail_per_event_recipient_and_kind"
            ),
            models.UniqueConstraint(
                fields=["cause", "to", "kind", "copy"],
                condition=models.Q(event__isnull=True),
                name="one_mail_per_cause_recipient_and_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(event__isnull=False) | models.Q(cause__gt=""), name="mail_is_about_something"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], condition=models.Q(sent_at__isnull=True), name="mails_to_send")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
