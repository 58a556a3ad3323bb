"""`payments/…`: paying for a booking, saved cards, credits."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import TextOrNull
from bookings import operations
from credits import queries as credits
from credits.models import CreditLot
from payments import cards
from payments.models import PaymentMethod

from . import inputs
from .base import BookingApi, IsStudent, ListView, MoneyView, NewestFirst
from .operation_answers import CheckedOutDocument


class CheckOut(MoneyView):
    """Pay for a booking: at once when it is less than 24 hours away, else 24 hours before. Twice is once."""

    who = "student"
    takes, answers = inputs.CheckOutInput, CheckedOutDocument
    operation_id = {"POST": "check_out"}

    def operate(self, **values: Any) -> operations.CheckedOut:
        return operations.check_out(actor=self.actor, now=self.now, **values)


# --- Cards -----------------------------------------------------------------------------------------------------------


class CardDocument(serializers.Serializer[PaymentMethod]):
    """A saved card."""

    id = serializers.CharField()
    stripe_id = serializers.CharField(help_text="Stripe's own id")
    brand = serializers.CharField()
    last4 = serializers.CharField()
    exp_month = serializers.IntegerField()
    exp_year = serializers.IntegerField()
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class SetupDocument(serializers.Serializer[Any]):
    setup_intent_id = serializers.CharField()
    client_secret = TextOrNull(help_text="With it the browser saves a card")


class SetupIntent(BookingApi):
    """Start saving a card without paying."""

    permission_classes = (IsStudent,)
    answers = SetupDocument
    operation_id = {"POST": "start_saving_card"}

    def post(self, request: Request) -> Response:
        return Response(self.render(cards.start_saving_card(user=self.user)))


class Cards(ListView):
    """The saved cards; POST saves one."""

    permission_classes = (IsStudent,)
    takes, answers, answer_status = inputs.SaveCardInput, CardDocument, 201
    pagination_class = NewestFirst
    operation_id = {"GET": "list_cards", "POST": "save_card"}

    def rows(self) -> QuerySet[PaymentMethod]:
        return self.user.payment_methods.filter(detached_at=None)

    def post(self, request: Request) -> Response:
        return Response(self.render(cards.save_card(user=self.user, **self.body())), status=self.answer_status)


class OneCard(BookingApi):
    """Forget a saved card."""

    permission_classes = (IsStudent,)
    operation_id = {"DELETE": "remove_card"}

    def delete(self, request: Request, method_id: str) -> Response:
        cards.remove_card(user=self.user, method_id=method_id)
        return Response(status=204)


class DefaultCard(BookingApi):
    """Charge this card when none is named."""

    permission_classes = (IsStudent,)
    answers = CardDocument
    operation_id = {"POST": "make_card_default"}

    def post(self, request: Request, method_id: str) -> Response:
        return Response(self.render(cards.make_default(user=self.user, method_id=method_id)))


# --- Credits ---------------------------------------------------------------------------------------------------------


class LotDocument(serializers.Serializer[CreditLot]):
    """An amount of credit with its date."""

    id = serializers.CharField()
    amount_cents = serializers.IntegerField()
    status = serializers.CharField(help_text="available, reserved or frozen")
    source = serializers.CharField(  # type: ignore[assignment]  # a declared field is no attribute of the class
        help_text="What it was given for"
    )
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class BalanceDocument(serializers.Serializer[credits.Balance]):
    available_cents = serializers.IntegerField(help_text="To spend on a lesson price")
    reserved_cents = serializers.IntegerField(help_text="For booked lessons")
    frozen_cents = serializers.IntegerField(help_text="By a chargeback")


class WalletDocument(BalanceDocument):
    """Balance and dated lots, first-expiring first."""

    lots = LotDocument(many=True)


class Wallet(BookingApi):
    """The caller's credits, lot by lot."""

    answers: ClassVar[type[serializers.Serializer[Any]]] = WalletDocument
    operation_id = {"GET": "read_credits"}

    def get(self, request: Request) -> Response:
        return Response(self.render(credits.balance(user_id=self.user.id, now=self.now)))


class Balance(Wallet):
    """The caller's credits in three numbers."""

    answers = BalanceDocument
    operation_id = {"GET": "read_credit_balance"}
