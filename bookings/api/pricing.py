"""What a lesson costs, before and after it is booked, and whether its time is free."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import operations
from bookings.policy.pricing import STUDENT_FEE_BPS, Amounts
from bookings.queries import booking_seen_by, price_of

from . import inputs
from .base import BookingApi, SeesWhatTheStudentPays


class LineItem(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field is no attribute of the class
    amount_cents = serializers.IntegerField(help_text="Negative for what is taken off")


class PriceDocument(serializers.Serializer[Amounts]):
    """What the student pays, what the instructor gets, what the platform keeps."""

    base_price_cents = serializers.IntegerField(source="lesson_price_cents")
    student_fee_cents = serializers.IntegerField()
    instructor_platform_fee_cents = serializers.IntegerField(source="instructor_commission_cents")
    target_instructor_payout_cents = serializers.IntegerField(source="payout_full_cents")
    credit_applied_cents = serializers.IntegerField(source="credits_cents")
    student_pay_cents = serializers.IntegerField(source="card_amount_cents")
    application_fee_cents = serializers.IntegerField()
    top_up_transfer_cents = serializers.IntegerField(source="top_up_cents")
    commission_bps = serializers.IntegerField()
    line_items = serializers.SerializerMethodField()

    @extend_schema_field(LineItem(many=True))
    def get_line_items(self, amounts: Amounts) -> list[dict[str, Any]]:
        items = [
            {"label": "Lesson", "amount_cents": amounts.lesson_price_cents},
            {"label": f"Booking Protection ({STUDENT_FEE_BPS / 100:g} %)", "amount_cents": amounts.student_fee_cents},
        ]
        if amounts.credits_cents:
            items.append({"label": "Credits", "amount_cents": -amounts.credits_cents})
        return items


class PricePreview(BookingApi):
    """What a lesson would cost; nothing is kept. Credits count as far as the caller has them."""

    takes, answers = inputs.PreviewInput, PriceDocument
    operation_id = {"POST": "preview_price"}

    def post(self, request: Request) -> Response:
        return Response(self.render(operations.preview_price(actor=self.actor, now=self.now, **self.body())))


class BookingPrice(BookingApi):
    """The frozen price of a booking; with `requested_credit_cents`, what checking out with that credit comes to."""

    permission_classes = (SeesWhatTheStudentPays,)
    filters, answers = inputs.CreditFilters, PriceDocument
    operation_id = {"GET": "read_booking_price"}

    def get(self, request: Request, booking_id: str) -> Response:
        booking = booking_seen_by(self.user, booking_id)
        return Response(self.render(price_of(booking, now=self.now, **self.query())))
