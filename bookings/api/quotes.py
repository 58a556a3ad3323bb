"""What cancelling or moving a lesson comes to, to the cent, signed: hold us to it, or be asked again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.problem_responses import invalid
from bookings.models import Booking
from bookings.operations.cancel import money_state, refuse_cancellation
from bookings.operations.reschedule import refuse_move
from bookings.policy.cancellation import cancellation_terms
from bookings.policy.rescheduling import Move, move_allowed
from bookings.policy.terms import Credits, Step, Terms
from bookings.policy.windows import window_changes_at, window_of
from bookings.queries import booking_seen_by, frozen_amounts, reserved_lots
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.problems import Conflict
from credits.models import CreditLot
from credits.operations import a_year_after

from .base import BookingApi

MOMENT = timedelta(microseconds=1)


class QuoteExpired(Conflict):
    """The terms have changed since; `quote` has the new ones."""

    code, title = "quote_expired", "The terms have changed. Look at the new ones and decide again."
    remedy = "Show the new terms in `quote`, and send its `quote_id` when they are wanted."


@dataclass(frozen=True, slots=True)
class CancellationQuote:
    """What a cancellation comes to now. Cents; what is None is nobody's business who asks."""

    booking_id: str
    cancelled_by: str
    window: str
    outcome: str
    card_charged_cents: int
    card_refund_cents: int
    credit_back_cents: int
    credit_forfeited_cents: int
    instructor_payout_cents: int
    credit_lots: list[dict[str, Any]]
    terms_change_at: datetime | None

    @property
    def quote_id(self) -> str:
        """Signed, so that only terms we have offered can be held against us."""
        return _signer("cancellation-quote").sign_object(self.terms)

    @property
    def terms(self) -> list[Any]:
        """What must not change between reading and deciding."""
        cents = [self.card_charged_cents, self.card_refund_cents, self.credit_back_cents, self.instructor_payout_cents]
        return [self.booking_id, self.cancelled_by, self.outcome, *cents]


@dataclass(frozen=True, slots=True)
class RescheduleQuote:
    """What moving a lesson comes to now. Cents."""

    booking_id: str
    kind: str
    card_charged_cents: int
    terms_change_at: datetime | None

    @property
    def quote_id(self) -> str:
        return _signer("reschedule-quote").sign_object(self.terms)

    @property
    def terms(self) -> list[Any]:
        return [self.booking_id, self.kind, self.card_charged_cents]


def cancellation_quote(booking: Booking, actor: Actor, now: datetime) -> CancellationQuote:
    """The terms on which this person can cancel now. Raises what cancelling itself would refuse."""
    refuse_cancellation(booking, actor)
    who = Role.INSTRUCTOR if actor.role is Role.INSTRUCTOR else Role.STUDENT
    payment, amounts = booking.payment, frozen_amounts(booking.payment)
    terms = _terms(booking, who, now)
    charged = Step.CAPTURE in terms.steps or payment.is_captured
    reserved = amounts.credits_cents
    back = reserved if terms.credits is Credits.RELEASE else terms.credit_cents(amounts)
    return CancellationQuote(
        booking_id=booking.pk,
        cancelled_by=who,
        window=window_of(starts_at=booking.starts_at, now=now),
        outcome=terms.outcome,
        card_charged_cents=amounts.card_amount_cents if charged else 0,
        card_refund_cents=payment.card_charged_cents - payment.refunded_to_card_cents if terms.refunds else 0,
        credit_back_cents=back,
        credit_forfeited_cents=max(0, reserved - back),
        instructor_payout_cents=terms.payout_cents(amounts),
        credit_lots=_lots(booking, back, reserved, now),
        terms_change_at=_change(booking, who, terms, now),
    )


def reschedule_quote(booking: Booking, now: datetime) -> RescheduleQuote:
    """The terms on which the student can move this lesson now. Raises what moving itself would refuse."""
    refuse_move(booking)
    move = move_allowed(starts_at=booking.starts_at, now=now, late_reschedule_used=booking.payment.late_reschedule_used)
    return RescheduleQuote(
        booking_id=booking.pk,
        kind=move,
        card_charged_cents=booking.payment.card_amount_cents if move is Move.LOCK else 0,
        terms_change_at=window_changes_at(starts_at=booking.starts_at, now=now),
    )


def refuse_stale_cancellation(booking: Booking, actor: Actor, quote_id: str, now: datetime) -> None:
    """Raises QuoteExpired, with the new quote, when cancelling now would not come to what was quoted."""
    quoted = _terms_in(quote_id, "cancellation-quote")
    if booking.status == BookingStatus.CANCELLED:
        return  # cancelling twice is harmless
    quote = cancellation_quote(booking, actor, now)
    if quoted != quote.terms:
        raise QuoteExpired(quote=_document(quote, actor).data)


def refuse_stale_reschedule(booking: Booking, quote_id: str, now: datetime) -> None:
    """Raises QuoteExpired, with the new quote, when moving now would not come to what was quoted."""
    quoted = _terms_in(quote_id, "reschedule-quote")
    quote = reschedule_quote(booking, now)
    if quoted != quote.terms:
        raise QuoteExpired(quote=RescheduleQuoteDocument(quote).data)


# --- Documents and views ---------------------------------------------------------------------------------------------


class CreditLotQuote(serializers.Serializer[Any]):
    amount_cents = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    is_new = serializers.BooleanField(
        help_text="Issued by the cancellation; otherwise a reserved credit that comes back"
    )


class CancellationQuoteDocument(serializers.Serializer[CancellationQuote]):
    """An instructor does not see what the student pays with."""

    quote_id = serializers.CharField(help_text="Send it with the cancellation: on these terms or not at all")
    window = serializers.CharField(help_text="free, late or last_minute")
    outcome = serializers.CharField()
    instructor_payout_cents = serializers.IntegerField()
    terms_change_at = serializers.DateTimeField(
        allow_null=True, help_text="The last instant of these terms; null: for good"
    )
    card_charged_cents = serializers.IntegerField(required=False, help_text="In all, before any refund")
    card_refund_cents = serializers.IntegerField(required=False)
    credit_back_cents = serializers.IntegerField(required=False)
    credit_forfeited_cents = serializers.IntegerField(required=False)
    credit_lots = CreditLotQuote(many=True, required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if self.context.get("role") == Role.INSTRUCTOR:
            return {name: field for name, field in fields.items() if field.required}
        return fields


class RescheduleQuoteDocument(serializers.Serializer[RescheduleQuote]):
    quote_id = serializers.CharField(help_text="Send it with the reschedule: on these terms or not at all")
    kind = serializers.CharField(help_text="free, or lock: the money is taken now and this can be done only once")
    card_charged_cents = serializers.IntegerField()
    terms_change_at = serializers.DateTimeField(allow_null=True, help_text="The last instant of these terms")


class CancellationQuoteView(BookingApi):
    """What cancelling now would come to, and until when."""

    who = "participants, staff"
    answers = CancellationQuoteDocument
    operation_id = {"GET": "quote_cancellation"}

    def get(self, request: Request, booking_id: str) -> Response:
        booking = booking_seen_by(self.user, booking_id)
        return Response(_document(cancellation_quote(booking, self.actor, self.now), self.actor).data)


class RescheduleQuoteView(BookingApi):
    """What moving the lesson now would come to, and until when."""

    who = "participants, staff"
    answers = RescheduleQuoteDocument
    operation_id = {"GET": "quote_reschedule"}

    def get(self, request: Request, booking_id: str) -> Response:
        return Response(self.render(reschedule_quote(booking_seen_by(self.user, booking_id), self.now)))


def _document(quote: CancellationQuote, actor: Actor) -> CancellationQuoteDocument:
    return CancellationQuoteDocument(quote, context={"role": actor.role})


# --- Parts -----------------------------------------------------------------------------------------------------------


def _terms(booking: Booking, who: Role, now: datetime) -> Terms:
    return cancellation_terms(who=who, starts_at=booking.starts_at, now=now, state=money_state(booking.payment))


def _change(booking: Booking, who: Role, terms: Terms, now: datetime) -> datetime | None:
    """The last instant at which cancelling comes to the same."""
    instant = window_changes_at(starts_at=booking.starts_at, now=now)
    while instant and _terms(booking, who, instant + MOMENT) == terms:
        instant = window_changes_at(starts_at=booking.starts_at, now=instant + MOMENT)
    return instant


def _lots(booking: Booking, back: int, reserved: int, now: datetime) -> list[dict[str, Any]]:
    """Reserved credit comes back with its old date, latest-expiring first; what is missing is new (policy 5)."""
    lots = list(_released(reserved_lots(booking.payment_id), min(back, reserved)))
    if back > reserved:
        lots.append({"amount_cents": back - reserved, "expires_at": a_year_after(now), "is_new": True})
    return lots


def _released(lots: Iterable[CreditLot], amount_cents: int) -> Iterable[dict[str, Any]]:
    for lot in lots:
        part = min(lot.amount_cents, amount_cents)
        if part:
            yield {"amount_cents": part, "expires_at": lot.expires_at, "is_new": False}
        amount_cents -= part


def _terms_in(quote_id: str, salt: str) -> Any:
    try:
        return _signer(salt).unsign_object(quote_id)
    except (BadSignature, ValueError):
        raise invalid({"quote_id": ["Not a quote of ours."]}) from None


def _signer(salt: str) -> Signer:
    return Signer(salt=salt)
