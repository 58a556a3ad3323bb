"""What the endpoints take: one serializer per body or query string. Unknown members are ignored."""

from typing import Any

from rest_framework import serializers

from accounts.fields import (
    EARLIEST,
    LATEST,
    CentsField,
    InstantField,
    OwnAddressField,
    ReasonField,
    StripeIdField,
    UlidField,
    WallClockField,
    ZoneField,
)
from bookings.models import NoShowReport
from bookings.state_machine import BookingStatus
from catalog.models import Modality
from payments.vocabulary import PaymentStatus

LONGEST_LESSON_MINUTES = 12 * 60
LONGEST_PERIOD_DAYS = 62
REFUND_REASONS = ("instructor_no_show", "dispute", "platform_error", "other")
NO_SHOW_RESOLUTIONS = ("confirmed_after_review", "dispute_upheld", "cancelled")
REVIEW_RESOLUTIONS = ("full_payout", "full_refund", "split_50_50", "resume")

Input = serializers.Serializer[Any]


class StartInput(Input):
    """When a lesson starts: an instant, or a time on the wall and its zone."""

    starts_at = InstantField(required=False)
    local_start = WallClockField(required=False, help_text="Without zone; needs `timezone`")
    timezone = ZoneField(required=False, help_text="IANA zone of the lesson")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        starts_at, local_start = attrs.get("starts_at"), attrs.get("local_start")
        if (starts_at is None) == (local_start is None):
            raise serializers.ValidationError({"starts_at": ["Say either starts_at, or local_start and timezone."]})
        if local_start is not None and not attrs.get("timezone"):
            raise serializers.ValidationError({"timezone": ["local_start needs its timezone."]})
        return {"starts_at": None, "local_start": None, "timezone": None, **attrs}


class LessonInput(StartInput):
    """Which lesson."""

    service_id = UlidField()
    duration_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_LESSON_MINUTES)


class PlacedLessonInput(LessonInput):
    location_type = serializers.ChoiceField(Modality.choices)


class PreviewInput(PlacedLessonInput):
    requested_credit_cents = CentsField(default=0)


class BookInput(PlacedLessonInput):
    address = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="Unless online")
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class BookOrUsePackageInput(BookInput):
    package_id = UlidField(
        required=False, allow_null=True, default=None, help_text="Paid with the next lesson of this package"
    )


class CheckOutInput(Input):
    booking_id = UlidField()
    payment_method_id = StripeIdField(required=False, allow_null=True, default=None)
    save_payment_method = serializers.BooleanField(default=False)
    requested_credit_cents = CentsField(default=0)


class CancelInput(Input):
    reason = ReasonField()
    quote_id = serializers.CharField(
        max_length=400,
        required=False,
        default=None,
        help_text="Of cancellation-quote: cancel on these terms or not at all",
    )


class RescheduleInput(StartInput):
    quote_id = serializers.CharField(
        max_length=400, required=False, default=None, help_text="Of reschedule-quote: move on these terms or not at all"
    )


class PaymentMethodInput(Input):
    payment_method_id = StripeIdField()
    set_as_default = serializers.BooleanField(default=False)


class ReportNoShowInput(Input):
    no_show_type = serializers.ChoiceField(NoShowReport.Type.choices, help_text="Who did not come")
    reason = ReasonField()


class DisputeNoShowInput(Input):
    reason = ReasonField(min_length=10)


class CompleteInput(Input):
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class DisputeCompletionInput(Input):
    reason = ReasonField(max_length=2000)


class StaffCancelInput(Input):
    reason = ReasonField()
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")
    refund = serializers.BooleanField(
        help_text="True: as if the instructor cancelled. False: as the student's window says"
    )


class ResolveNoShowInput(Input):
    resolution = serializers.ChoiceField(NO_SHOW_RESOLUTIONS)
    reason = ReasonField()


class ResolveReviewInput(Input):
    resolution = serializers.ChoiceField(REVIEW_RESOLUTIONS)
    reason = ReasonField()


class RefundInput(Input):
    amount_cents = CentsField(
        min_value=1, required=False, allow_null=True, default=None, help_text="All of it when absent"
    )
    reason = serializers.ChoiceField(REFUND_REASONS)
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class SaveCardInput(Input):
    payment_method_id = StripeIdField()
    set_as_default = serializers.BooleanField(default=False)


class OnboardInput(Input):
    return_url = OwnAddressField(required=False, help_text="Where Stripe sends the instructor back to")
    refresh_url = OwnAddressField(required=False, help_text="Where a stale link starts again")


class BookingFilters(Input):
    """What a list of bookings may be narrowed to."""

    status = serializers.ChoiceField(BookingStatus.choices, required=False)
    payment_status = serializers.ChoiceField(tuple(PaymentStatus), required=False)
    upcoming = serializers.BooleanField(default=False, help_text="Stands and has not ended")
    past = serializers.BooleanField(default=False, help_text="Has ended")
    to = InstantField(required=False, help_text="Starts before this instant")
    instructor = UlidField(required=False)
    student = UlidField(required=False)
    ordering = serializers.ChoiceField(("starts_at", "-starts_at"), required=False)

    def get_fields(self) -> dict[str, Any]:
        first = InstantField(required=False, help_text="Starts at this instant or later")
        return {"from": first, **super().get_fields()}  # `from` is a word of Python

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since, until = attrs.pop("from", None), attrs.pop("to", None)
        if since and until and since > until:
            raise serializers.ValidationError({"to": ["Not before `from`."]})
        return {**attrs, "since": since, "until": until}


class MoveFilters(Input):
    starts_at = InstantField(default=None, help_text="Where to; without it the quote is for any new time")


class CreditFilters(Input):
    requested_credit_cents = CentsField(default=0)


class PeriodFilters(Input):
    """From one day to another, both included, in the instructor's zone."""

    to = serializers.DateField()
    duration_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_LESSON_MINUTES, default=60)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), **super().get_fields()}  # `from` is a word of Python

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not EARLIEST.date() <= attrs["from"] <= attrs["to"] <= LATEST.date():
            raise serializers.ValidationError({"to": ["Not before `from`."]})
        if (attrs["to"] - attrs["from"]).days > LONGEST_PERIOD_DAYS:
            raise serializers.ValidationError({"to": [f"At most {LONGEST_PERIOD_DAYS} days after `from`."]})
        return attrs
