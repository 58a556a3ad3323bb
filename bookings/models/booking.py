"""A lesson somebody booked."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from bookings.state_machine import BookingMachine, BookingStatus
from common.ids import ULID_LENGTH, new_id
from payments.models import Payment

if TYPE_CHECKING:
    from datetime import datetime


class TsTzRange(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def _no_overlap(person: str, name: str) -> ExclusionConstraint:
    """No two lessons that hold their slot overlap for one person; two bookings of the same payment are one lesson being moved."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            (TsTzRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
            (person, RangeOperators.EQUAL),
            ("payment", RangeOperators.NOT_EQUAL),
        ],
        condition=Q(holds_slot=True),
    )


class Booking(BookingMachine):
    """One lesson: who, what, when, where. The money is on its payment, which follows the lesson through a reschedule."""

    objects: ClassVar[models.Manager["Booking"]] = models.Manager()

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    student = models.ForeignKey("accounts.User", models.PROTECT, related_name="bookings")
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="lessons")
    service = models.ForeignKey("catalog.Service", models.PROTECT, related_name="bookings")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="bookings")
    request_key = models.CharField(
        max_length=255, null=True, help_text="The request that made it, so that it is made once"
    )

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    timezone = models.CharField(max_length=64, help_text="IANA zone of the lesson")
    duration_minutes = models.PositiveSmallIntegerField()
    location_type = models.CharField(max_length=24)
    address = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    holds_slot = models.BooleanField(default=True)

    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=12, blank=True)
    cancellation_reason = models.CharField(max_length=500, blank=True)
    completion_note = models.CharField(max_length=1000, blank=True)
    rescheduled_from = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="rescheduled_to"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=BookingStatus.values), name="booking_status_is_one_of_five"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="lesson_ends_after_it_starts"),
            models.UniqueConstraint(fields=["student", "request_key"], name="one_booking_per_request"),
            models.CheckConstraint(
                condition=~Q(status__in=["CANCELLED", "NO_SHOW"]) | Q(holds_slot=False), name="cancelled_holds_no_slot"
            ),
            models.CheckConstraint(
                condition=~Q(status="CONFIRMED") | Q(holds_slot=True), name="confirmed_holds_its_slot"
            ),
            _no_overlap("instructor", "instructor_teaches_one_lesson_at_a_time"),
            _no_overlap("student", "student_takes_one_lesson_at_a_time"),
        ]
        indexes = [
            models.Index(fields=["-starts_at", "-id"], name="bookings_by_start"),
            models.Index(fields=["student", "-starts_at"], name="bookings_of_student"),
            models.Index(fields=["instructor", "-starts_at"], name="bookings_of_instructor"),
            models.Index(fields=["created_at"], condition=Q(status="PENDING"), name="bookings_pending"),
            models.Index(
                fields=["instructor", "completed_at"], condition=Q(status="COMPLETED"), name="lessons_completed"
            ),
            models.Index(fields=["starts_at"], condition=Q(status="CONFIRMED"), name="lessons_to_come"),
            models.Index(fields=["student", "completed_at"], condition=Q(status="COMPLETED"), name="lessons_taken"),
        ]

    def __str__(self) -> str:
        return f"booking {self.id}"

    @property
    def payment_status(self) -> str:
        """What everybody reads: the status of the payment that this lesson's money is on."""
        return str(self.payment.status)

    @property
    def is_moved(self) -> bool:
        """It was rescheduled: its payment went on to another booking."""
        return hasattr(self, "rescheduled_to")

    def has_ended(self, now: "datetime") -> bool:
        return now >= self.ends_at
