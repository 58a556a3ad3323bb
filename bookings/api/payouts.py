"""`payments/instant-payout` and `instructor/…`: what is on the balance, what went to the bank, being paid at once."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import CentsField, TextOrNull
from payments import instant_payouts, payouts
from payments.models import ConnectAccount, InstantPayout, Payout

from .base import BookingApi, IsInstructor, LatestFirst, ListView


class AmountInput(serializers.Serializer[Any]):
    amount_cents = CentsField(
        min_value=1, required=False, allow_null=True, default=None, help_text="Everything that can be had when absent"
    )


class QuoteDocument(serializers.Serializer[instant_payouts.PayoutQuote]):
    """What an instant payout comes to."""

    amount_cents = serializers.IntegerField(help_text="What leaves the balance")
    fee_cents = serializers.IntegerField(help_text="What it costs, of that amount")
    fee_bps = serializers.IntegerField(help_text="In basis points; half-up")
    payout_cents = serializers.IntegerField(help_text="What arrives at the bank")
    available_cents = serializers.IntegerField(help_text="What can be paid out at once")
    minimum_cents = serializers.IntegerField()


class InstantPayoutDocument(serializers.Serializer[InstantPayout]):
    id = serializers.CharField()
    amount_cents = serializers.IntegerField(help_text="What leaves the balance")
    fee_cents = serializers.IntegerField()
    payout_cents = serializers.IntegerField(help_text="What arrives at the bank")
    status = serializers.CharField(source="state", help_text="processing, or what Stripe says of the payout")
    payout_id = TextOrNull(help_text="Stripe's")
    arrival_at = serializers.DateTimeField(source="payout.arrival_at", default=None, allow_null=True)
    requested_at = serializers.DateTimeField(source="decided_at")


class PayoutDocument(serializers.Serializer[Payout]):
    id = serializers.CharField(help_text="Stripe's")
    amount_cents = serializers.IntegerField()
    fee_cents = serializers.SerializerMethodField(help_text="Paid beside it, for an instant one")
    method = serializers.CharField(help_text="standard or instant")
    is_automatic = serializers.BooleanField(help_text="By Stripe's own schedule")
    status = serializers.CharField(help_text="pending, in_transit, paid, failed or canceled")
    created_at = serializers.DateTimeField()
    arrival_at = serializers.DateTimeField(allow_null=True)
    failure_code = TextOrNull(help_text="Stripe's")
    failure_reason = serializers.SerializerMethodField(
        help_text="Why it came back, and what to do; null when it did not"
    )

    def get_fee_cents(self, payout: Payout) -> int:
        instant = getattr(payout, "instant", None)
        kept = instant and instant.fee_transfer_id and not instant.fee_returned_at
        return int(instant.fee_cents) if instant and kept else 0

    def get_failure_reason(self, payout: Payout) -> str | None:
        return payouts.failure_in_words(payout) or None


class StripeBalanceDocument(serializers.Serializer[payouts.Balance]):
    """What is on the balance at Stripe."""

    pending_cents = serializers.IntegerField(help_text="On its way to the balance")
    available_cents = serializers.IntegerField(help_text="Will be paid out")
    instant_available_cents = serializers.IntegerField(help_text="Can be paid out at once")


class NewestPayouts(LatestFirst):
    ordering = ("-created_at", "-id")


class InstantPayoutQuote(BookingApi):
    """What being paid at once would cost; nothing is kept."""

    permission_classes = (IsInstructor,)
    filters, answers = AmountInput, QuoteDocument
    operation_id = {"GET": "quote_instant_payout"}

    def get(self, request: Request) -> Response:
        return Response(self.render(instant_payouts.quote_instant_payout(instructor=self.user, **self.query())))


class InstantPayouts(BookingApi):
    """Be paid at once, less the fee. One at a time; with `Idempotency-Key`, once however often it is tried."""

    permission_classes = (IsInstructor,)
    write_scope = "money"
    takes, answers, answer_status = AmountInput, InstantPayoutDocument, 201
    operation_id = {"POST": "pay_out_instantly"}

    def post(self, request: Request) -> Response:
        made = instant_payouts.request_instant_payout(
            actor=self.actor, now=self.now, request_key=self.request_key, **self.body()
        )
        return Response(self.render(made), status=self.answer_status)


class Payouts(ListView):
    """What went to the bank, newest first."""

    permission_classes = (IsInstructor,)
    answers, pagination_class = PayoutDocument, NewestPayouts
    operation_id = {"GET": "list_payouts"}

    def rows(self) -> QuerySet[Payout]:
        return Payout.objects.filter(instructor=self.user).select_related("instant")


class StripeBalance(BookingApi):
    """What is on the balance at Stripe, read now."""

    permission_classes = (IsInstructor,)
    answers = StripeBalanceDocument
    operation_id = {"GET": "read_stripe_balance"}

    def get(self, request: Request) -> Response:
        account = ConnectAccount.objects.filter(instructor=self.user).first()
        return Response(self.render(payouts.balance_of(account)))
