"""What the operations answer: the booking, and what else a caller needs to go on."""

from typing import Any

from rest_framework import serializers

from accounts.fields import TextOrNull
from bookings.models import BookingEvent

from .answers import BookingDocument


class BookedDocument(BookingDocument):
    """The new booking, and the secret with which the browser saves a card for it."""

    client_secret = TextOrNull(help_text="Of the SetupIntent")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {**super().to_representation(instance.booking), "client_secret": instance.setup_client_secret or None}


class CardChangedDocument(BookingDocument):
    """The booking, and what the bank still wants to know."""

    requires_action = serializers.BooleanField(read_only=True, default=False)
    client_secret = TextOrNull(help_text="Of the PaymentIntent, for 3-D Secure")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {
            **super().to_representation(instance.booking),
            "requires_action": instance.requires_action,
            "client_secret": instance.client_secret,
        }


class CheckedOutDocument(serializers.Serializer[Any]):
    booking = BookingDocument()
    requires_action = serializers.BooleanField(help_text="The student's bank wants 3-D Secure: use client_secret")
    client_secret = TextOrNull(help_text="Of the PaymentIntent, for 3-D Secure")


class RetriedDocument(CheckedOutDocument):
    auth_failure_count = serializers.IntegerField(source="booking.payment.auth_failure_count")


class ReportedDocument(serializers.Serializer[Any]):
    booking = BookingDocument()
    dispute_window_ends = serializers.DateTimeField(help_text="Until when the accused may dispute")


class RefundedDocument(serializers.Serializer[Any]):
    booking = BookingDocument()
    refund_id = TextOrNull(help_text="Stripe's; null when there was nothing on the card to refund")


class EventDocument(serializers.Serializer[BookingEvent]):
    """One line of a lesson's history. Amounts and Stripe's ids are absent for those who have no business with them."""

    id = serializers.CharField()
    booking_id = serializers.CharField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_role", help_text="student, instructor, staff, system or stripe")
    reason = TextOrNull()
    status_from = TextOrNull()
    status_to = TextOrNull()
    payment_status_from = TextOrNull()
    payment_status_to = TextOrNull()
    amounts = serializers.DictField(required=False)
    stripe_ids = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in self.context.get("hidden", ()):
            fields.pop(name)
        return fields
