"""What the sandbox's script doors take. Unknown members are ignored, as in the API."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.fields import LARGEST_AMOUNT_CENTS, InstantField, StripeIdField, UlidField, ZoneField
from catalog.models import Modality
from common.actors import Role

Input = serializers.Serializer[Any]
LONGEST_LESSON_MINUTES = 12 * 60
MOST_SECONDS = 800 * 86_400


class Seconds(serializers.FloatField):
    """A number of seconds ahead: a number, not a text or a truth."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        seconds = super().to_internal_value(data)
        if seconds != seconds:
            self.fail("invalid")
        return seconds


class ClockInput(Input):
    """Where to turn the clock: so many seconds ahead, or to an instant."""

    advance_seconds = Seconds(required=False, min_value=0, max_value=MOST_SECONDS)
    to = InstantField(required=False)
    run_jobs = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("advance_seconds" in attrs) == ("to" in attrs):
            raise serializers.ValidationError({"advance_seconds": ["Say either advance_seconds or to."]})
        return attrs


class JobInput(Input):
    booking_id = UlidField(required=False, help_text="For capture_late_cancellation")


class CreditInput(Input):
    amount_cents = serializers.IntegerField(min_value=1, max_value=LARGEST_AMOUNT_CENTS)
    expires_at = InstantField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, expires_at: datetime | None) -> datetime | None:
        if expires_at is not None and expires_at <= self.context["now"]:
            raise serializers.ValidationError("Is in the past.")
        return expires_at


class ServiceInput(Input):
    name = serializers.CharField(max_length=120, default="Lessons")
    hourly_rate_cents = serializers.IntegerField(min_value=100, max_value=1_000_000)
    durations = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LONGEST_LESSON_MINUTES), required=False, allow_empty=False
    )
    modalities = serializers.ListField(
        child=serializers.ChoiceField(Modality.choices), required=False, allow_empty=False
    )


class PersonInput(Input):
    """Somebody to make. What does not concern their role is ignored."""

    role = serializers.ChoiceField([str(Role.STUDENT), str(Role.INSTRUCTOR), str(Role.STAFF)])
    first_name = serializers.CharField(max_length=80, default="")
    last_name = serializers.CharField(max_length=80, default="")
    email = serializers.EmailField(required=False, default="")
    timezone = ZoneField(default="America/New_York")
    card = StripeIdField(required=False, allow_null=True, help_text="pm_card_visa for a student who does not say")
    credits = CreditInput(many=True, required=False)
    commission_bps = serializers.IntegerField(min_value=0, max_value=10_000, required=False, allow_null=True)
    services = ServiceInput(many=True, required=False)
    founding = serializers.BooleanField(default=False)
    connect = serializers.ChoiceField(["ready", "none"], default="ready")


class MailInput(Input):
    """Which mails: the latest, or the latest to an address, of a kind, about a booking."""

    to = serializers.CharField(max_length=254, required=False)
    kind = serializers.CharField(max_length=48, required=False)
    booking_id = UlidField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=200)
