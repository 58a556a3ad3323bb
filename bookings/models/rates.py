"""The rates that finance may change (policy 1), append-only: each row says from when it holds. Bookings keep what they were quoted."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from bookings.policy.rates import DEFAULT, Rates
from common.ids import ULID_LENGTH, new_id


class RateChange(models.Model):
    """The rates from an instant on, whole: who set them, when and why. The latest that has begun holds."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    effective_from = models.DateTimeField(unique=True)
    student_fee_bps = models.PositiveIntegerField(default=DEFAULT.student_fee_bps)
    base_bps = models.PositiveIntegerField(default=DEFAULT.base_bps, help_text="Commission from 1 lesson on")
    middle_bps = models.PositiveIntegerField(default=DEFAULT.middle_bps, help_text="Commission from 5 lessons on")
    best_bps = models.PositiveIntegerField(default=DEFAULT.best_bps, help_text="Commission from 11 lessons on")
    floor_in_person_cents = models.PositiveIntegerField(
        default=DEFAULT.floor_in_person_cents, help_text="For 60 minutes"
    )
    floor_online_cents = models.PositiveIntegerField(default=DEFAULT.floor_online_cents, help_text="For 60 minutes")
    reason = models.CharField(max_length=300)
    made_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(student_fee_bps__lte=5000, base_bps__lte=5000)
                & Q(middle_bps__lte=F("base_bps"), best_bps__lte=F("middle_bps")),
                name="rates_are_ordered_and_bounded",
            ),
            models.CheckConstraint(condition=Q(effective_from__gte=F("made_at")), name="rates_never_hold_backwards"),
        ]

    def __str__(self) -> str:
        return f"rates from {self.effective_from:%Y-%m-%d %H:%M}"

    @property
    def values(self) -> Rates:
        """As the policy takes them."""
        return Rates(**{name: getattr(self, name) for name in Rates.__dataclass_fields__})


def rates_at(now: datetime) -> Rates:
    """The rates that hold at an instant: the policy's own until finance has changed them."""
    change = RateChange.objects.filter(effective_from__lte=now).order_by("-effective_from").first()
    return change.values if change else DEFAULT
