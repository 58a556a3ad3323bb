"""Instructors, their services and the hours they teach."""

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from common.ids import ULID_LENGTH, new_id


class Modality(models.TextChoices):
    """Where a lesson happens. Everything but `online` counts as in person for the price floor."""

    ONLINE = "online", "Online"
    STUDENT_LOCATION = "student_location", "At the student's"
    INSTRUCTOR_LOCATION = "instructor_location", "At the instructor's"
    NEUTRAL_LOCATION = "neutral_location", "At a neutral place"


class Plain(models.Func):
    """A text as it is compared in a search: without accents and capitals. A function of our own, so that it can be indexed."""

    function, arity, output_field = "catalog_plain", 1, models.TextField()


def trigrams(column: str, name: str) -> GinIndex:
    """An index by which a text is found from a word like one of its own."""
    return GinIndex(OpClass(Plain(column), name="gin_trgm_ops"), name=name)


class InstructorProfile(models.Model):
    """An instructor as students see them, with the commission they pay."""

    user = models.OneToOneField("accounts.User", models.PROTECT, primary_key=True, related_name="instructor_profile")
    bio = models.TextField(blank=True)
    commission_bps = models.PositiveIntegerField(default=1500, help_text="Commission in basis points for new bookings")
    is_founding = models.BooleanField(default=False, help_text="800 bps for life, 100 places in all (policy 1)")
    tier_evaluated_at = models.DateTimeField(null=True, blank=True)
    minimum_notice_minutes = models.PositiveIntegerField(default=60)
    travel_notice_minutes = models.PositiveIntegerField(default=180, help_text="When the instructor travels")
    buffer_minutes = models.PositiveIntegerField(default=15, help_text="Between two lessons")
    travel_buffer_minutes = models.PositiveIntegerField(
        default=60, help_text="When the instructor travels for one of them"
    )
    overnight_protection = models.BooleanField(
        default=True, help_text="What is asked for from 20:00 on is not before 09:00 (11:00 with travel)"
    )
    is_listed = models.BooleanField(default=True)
    latitude = models.DecimalField(
        max_digits=4, decimal_places=2, null=True, blank=True, help_text="Roughly: a hundredth of a degree, about 1 km"
    )
    longitude = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    rating_sum = models.PositiveIntegerField(default=0, help_text="Of the reviews that are shown, kept with them")
    rating_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(latitude__isnull=True, longitude__isnull=True)
                | models.Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="place_on_the_globe",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    rating_sum__gte=models.F("rating_count"), rating_sum__lte=models.F("rating_count") * 5
                ),
                name="ratings_from_one_to_five",
            ),
            models.CheckConstraint(condition=models.Q(commission_bps__lte=10_000), name="commission_at_most_whole"),
            models.CheckConstraint(
                condition=models.Q(is_founding=False) | models.Q(commission_bps=800), name="founding_pays_800_bps"
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_notice_minutes__gte=60, travel_notice_minutes__gte=180),
                name="notice_at_least_the_platforms",
                violation_error_message="At least 60 minutes of notice, 180 with travel.",
            ),
            models.CheckConstraint(
                condition=models.Q(buffer_minutes__gte=15, travel_buffer_minutes__gte=60),
                name="buffers_at_least_the_platforms",
                violation_error_message="At least 15 minutes between lessons, 60 with travel.",
            ),
        ]
        indexes = [
            trigrams("bio", "instructors_by_bio"),
            models.Index(
                fields=["latitude", "longitude"],
                condition=models.Q(latitude__isnull=False),
                name="instructors_by_place",
            ),
        ]

    def __str__(self) -> str:
        return self.user.public_name

    @property
    def rating(self) -> float | None:
        """The average of the reviews, to a tenth of a star; None without reviews."""
        return round(self.rating_sum / self.rating_count + 1e-9, 1) if self.rating_count else None


class FoundingPlace(models.Model):
    """One of the 100 founding places. Its number is its key, so that no 101st can exist (policy 1)."""

    number = models.PositiveSmallIntegerField(
        primary_key=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    instructor = models.OneToOneField(InstructorProfile, models.PROTECT, related_name="founding_place")
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(number__gte=1, number__lte=100), name="hundred_founding_places")
        ]

    def __str__(self) -> str:
        return f"founding place {self.number}"


class Service(models.Model):
    """Something an instructor teaches, at an hourly rate."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    instructor = models.ForeignKey(InstructorProfile, models.PROTECT, related_name="services")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    hourly_rate_cents = models.PositiveIntegerField(validators=[MinValueValidator(100), MaxValueValidator(1_000_000)])
    durations = ArrayField(models.PositiveSmallIntegerField(), help_text="Minutes a lesson may last")
    modalities = ArrayField(models.CharField(max_length=24, choices=Modality.choices))
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(hourly_rate_cents__lte=1_000_000), name="hourly_rate_at_most_10000"
            )
        ]
        indexes = [trigrams("name", "services_by_name"), trigrams("description", "services_by_description")]

    def __str__(self) -> str:
        return self.name


class WeeklyHours(models.Model):
    """A stretch of a weekday, in the instructor's own zone, when lessons may be booked. `ends` 00:00 means midnight."""

    instructor = models.ForeignKey(InstructorProfile, models.CASCADE, related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday", validators=[MaxValueValidator(6)])
    starts = models.TimeField()
    ends = models.TimeField()

    class Meta:
        verbose_name_plural = "weekly hours"
        constraints = [
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="weekday_monday_to_sunday"),
            models.CheckConstraint(
                condition=models.Q(ends=time(0)) | models.Q(ends__gt=models.F("starts")),
                name="hours_end_after_they_start",
            ),
        ]
        indexes = [models.Index(fields=["instructor", "weekday"])]

    def __str__(self) -> str:
        return f"{self.weekday} {self.starts:%H:%M}-{self.ends:%H:%M}"


class AvailabilityException(models.Model):
    """A date that differs from the weekly hours: extra hours, or a blackout (no hours at all, or not these).

    Without times it means the whole day. A blackout wins over hours of any kind.
    """

    instructor = models.ForeignKey(InstructorProfile, models.CASCADE, related_name="exceptions")
    date = models.DateField()
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    is_available = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts__isnull=True, ends__isnull=True)
                | models.Q(starts__isnull=False, ends__isnull=False)
                & (models.Q(ends=time(0)) | models.Q(ends__gt=models.F("starts"))),
                name="exception_is_a_day_or_a_stretch",
            )
        ]
        indexes = [models.Index(fields=["instructor", "date"])]

    def __str__(self) -> str:
        return f"{self.date} {'open' if self.is_available else 'closed'}"
