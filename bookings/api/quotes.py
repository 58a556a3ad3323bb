"""`bookings/{id}/…-quote`: what cancelling or moving a lesson comes to, for the eyes of whoever asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import TextOrNull
from accounts.models import User
from bookings.models import Booking
from bookings.queries import booking_seen_by
from bookings.quotes import (
    CancellationQuote,
    LotBack,
    RescheduleQuote,
    agreed_cancellation,
    agreed_reschedule,
    cancellation_quote,
    reschedule_quote,
)
from common.actors import Door

from . import inputs
from .answers import MONEY, PAID_BY_THE_STUDENT, hidden_from
from .base import BookingApi, SeesWhatTheStudentPays

OF_THE_STUDENT = ("card_charged_cents", "card_refund_cents", "credit_back_cents", "credit_expired_cents")
HIDDEN = {  # by what a booking hides from the same person
    frozenset(): frozenset[str](),
    PAID_BY_THE_STUDENT: frozenset({*OF_THE_STUDENT, "credit_forfeited_cents", "credit_lots", "entitlement"}),
    MONEY: frozenset(
        {*OF_THE_STUDENT, "credit_forfeited_cents", "credit_lots", "entitlement", "instructor_payout_cents"}
    ),
}


class CreditLotQuote(serializers.Serializer[LotBack]):
    amount_cents = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    is_new = serializers.BooleanField(
        help_text="Issued by the cancellation; otherwise a reserved credit that comes back"
    )
    is_expired = serializers.BooleanField(help_text="Past its date: it comes back and is lost at once")


class CancellationQuoteDocument(serializers.Serializer[CancellationQuote]):
    """An instructor does not see what the student pays with, nor support without the right to see money."""

    quote_id = serializers.CharField(help_text="Send it with the cancellation: on these terms or not at all")
    window = serializers.CharField(help_text="free, late or last_minute")
    outcome = serializers.CharField()
    terms_change_at = serializers.DateTimeField(
        allow_null=True, help_text="The last instant of these terms; null: for good"
    )
    instructor_payout_cents = serializers.IntegerField(required=False)
    card_charged_cents = serializers.IntegerField(required=False, help_text="In all, before any refund")
    card_refund_cents = serializers.IntegerField(required=False)
    credit_back_cents = serializers.IntegerField(required=False, help_text="Released and new together")
    credit_expired_cents = serializers.IntegerField(required=False, help_text="Of it, what is past its date")
    credit_forfeited_cents = serializers.IntegerField(required=False)
    credit_lots = CreditLotQuote(many=True, required=False)
    entitlement = TextOrNull(
        required=False, help_text="Of a package's lesson: back, back_once (its one late change), or used"
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        viewer = self.context.get("viewer")
        hidden = HIDDEN[hidden_from(viewer)] if viewer else frozenset()
        return {name: field for name, field in fields.items() if name not in hidden}


class RescheduleQuoteDocument(serializers.Serializer[RescheduleQuote]):
    """The instructor gets nothing by a move; credits reserved for the lesson stay reserved."""

    quote_id = serializers.CharField(help_text="Send it with the reschedule: on these terms or not at all")
    kind = serializers.CharField(help_text="free, or lock: the money is taken now and this can be done only once")
    card_charged_cents = serializers.IntegerField(help_text="Taken from the card by the move")
    credits_kept_cents = serializers.IntegerField(help_text="Reserved for the lesson, and still after the move")
    terms_change_at = serializers.DateTimeField(allow_null=True, help_text="The last instant of these terms")
    starts_at = serializers.DateTimeField(allow_null=True, help_text="As asked for; null: for any new time")
    card_held_now_cents = serializers.IntegerField(
        allow_null=True, help_text="Held at once, for a new time less than 24 hours away; null without starts_at"
    )
    hold_at = serializers.DateTimeField(allow_null=True, help_text="When the card is held for the new time")


class CancellationQuoteView(BookingApi):
    """What cancelling now would come to, and until when."""

    answers = CancellationQuoteDocument
    who = "participants, staff"
    operation_id = {"GET": "quote_cancellation"}

    def get(self, request: Request, booking_id: str) -> Response:
        booking = booking_seen_by(self.user, booking_id)
        return Response(self.render(cancellation_quote(booking, self.actor, self.now)))


class RescheduleQuoteView(BookingApi):
    """What moving the lesson now would come to, and until when; with `starts_at`, for that new time."""

    permission_classes = (SeesWhatTheStudentPays,)
    filters, answers = inputs.MoveFilters, RescheduleQuoteDocument
    operation_id = {"GET": "quote_reschedule"}

    def get(self, request: Request, booking_id: str) -> Response:
        booking = booking_seen_by(self.user, booking_id)
        return Response(self.render(reschedule_quote(booking, self.now, **self.query())))


def cancelling_as_quoted(quote_id: str | None, user: User, now: datetime) -> Callable[[Booking], None] | None:
    """What keeps a cancellation to its quote; None when none was sent. Raises Invalid for a forged one."""
    if quote_id is None:
        return None

    def shown(quote: CancellationQuote) -> Any:
        return CancellationQuoteDocument(quote, context={"viewer": user}).data

    return agreed_cancellation(quote_id, user.as_actor(Door.API), now, shown)


def moving_as_quoted(quote_id: str | None, starts_at: datetime, now: datetime) -> Callable[[Booking], None] | None:
    """What keeps a move to its quote; None when none was sent. Raises Invalid for a forged one."""
    if quote_id is None:
        return None
    return agreed_reschedule(quote_id, starts_at, now, lambda quote: RescheduleQuoteDocument(quote).data)
