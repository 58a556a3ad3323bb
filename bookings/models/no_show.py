"""Who says the other did not come, and an instructor who disputes a completion (policy 7)."""

from django.db import models
from django.db.models import Q

from common.ids import ULID_LENGTH, new_id

from .booking import Booking


class NoShowReport(models.Model):
    """Somebody says that the instructor, or the student, did not come. One per booking and side."""

    class Type(models.TextChoices):
        INSTRUCTOR = "instructor", "The instructor did not come"
        STUDENT = "student", "The student did not come"

    class Resolution(models.TextChoices):
        CONFIRMED_NO_DISPUTE = "confirmed_no_dispute", "Confirmed: nobody disputed it"
        CONFIRMED_AFTER_REVIEW = "confirmed_after_review", "Confirmed by support"
        DISPUTE_UPHELD = "dispute_upheld", "Rejected: the dispute was upheld"
        CANCELLED = "cancelled", "Withdrawn"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="no_show_reports")
    type = models.CharField(max_length=12, choices=Type.choices)
    reported_by_role = models.CharField(max_length=12)
    reported_by_id = models.CharField(max_length=40)
    reported_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    dispute_window_ends = models.DateTimeField()
    disputed_at = models.DateTimeField(null=True, blank=True)
    dispute_reason = models.CharField(max_length=500, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=24, blank=True, choices=Resolution.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["booking", "type"], condition=~Q(resolution="cancelled"), name="one_no_show_report_per_side"
            )
        ]
        indexes = [
            models.Index(fields=["dispute_window_ends"], condition=Q(resolved_at__isnull=True), name="no_shows_open")
        ]

    def __str__(self) -> str:
        return f"{self.type} no-show {self.booking_id}"


class CompletionDispute(models.Model):
    """An instructor says the lesson went otherwise; support decides."""

    booking = models.OneToOneField(Booking, models.PROTECT, primary_key=True, related_name="completion_dispute")
    opened_at = models.DateTimeField()
    reason = models.CharField(max_length=2000)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=16, blank=True)

    def __str__(self) -> str:
        return f"completion dispute {self.booking_id}"
