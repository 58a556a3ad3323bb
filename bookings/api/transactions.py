"""`payments/transactions` and receipts: what a student paid, got back, was given and used."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import TextOrNull
from bookings.models import Booking
from bookings.queries import booking_seen_by, frozen_amounts
from bookings.transactions import Lines, Transaction, in_batches, lines_of, lines_of_payment, shown
from payments.models import PaymentMethod

from .base import BookingApi, IsStudent, LatestFirst, ListView, SeesWhatTheStudentPays
from .csv_files import csv_answer, dollars_cell
from .pricing import PriceDocument

COLUMNS = ("at", "kind", "paid_with", "out", "in", "what_for", "reason", "booking_id", "id")


class TransactionFilters(serializers.Serializer[Any]):
    format = serializers.ChoiceField(("json", "csv"), default="json", help_text="csv: all of it, as a file")


class TransactionDocument(serializers.Serializer[Transaction]):
    """One line of a student's money."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    kind = serializers.CharField(
        help_text="charge, refund, chargeback, credit_issued, credit_used, credit_forfeited, credit_expired or credit_revoked"
    )
    paid_with = serializers.CharField(help_text="card or credit")
    amount_cents = serializers.IntegerField(help_text="Positive: to the student; negative: from them")
    what_for = TextOrNull(help_text="The lesson, in words")
    reason = TextOrNull(help_text="What the credit was given for")
    booking_id = serializers.CharField(source="booking.id", allow_null=True, default=None)


class LatestMoneyFirst(LatestFirst):
    ordering = ("-at", "-pk")


class Transactions(ListView):
    """The student's money, latest first: charges, refunds, credit issued and used. `format=csv` is all of it as a file."""

    permission_classes = (IsStudent,)
    filters, answers = TransactionFilters, TransactionDocument
    pagination_class: ClassVar[type[LatestFirst]] = LatestMoneyFirst
    files = ("text/csv",)
    operation_id = {"GET": "list_transactions"}

    def get(self, request: Request, **path: Any) -> Any:
        if self.query()["format"] == "csv":
            return _file(lines_of(self.user.pk))
        return super().get(request, **path)

    def rows(self, format: str) -> Any:
        return lines_of(self.user.pk)

    def shown_of(self, page: list[Any]) -> list[Any]:
        return shown(page)


def _file(lines: Lines) -> StreamingHttpResponse:
    return csv_answer("transactions", COLUMNS, _cells(lines))


def _cells(lines: Lines) -> Iterator[tuple[Any, ...]]:
    for one in in_batches(lines):
        amount = dollars_cell(abs(one.amount_cents))
        out, into = (amount, "") if one.amount_cents < 0 else ("", amount)
        booking_id = one.booking.pk if one.booking else ""
        yield one.at, one.kind, one.paid_with, out, into, one.what_for, one.reason, booking_id, one.id


class ReceiptDocument(serializers.Serializer[Any]):
    """What a page or a mail needs to write a receipt."""

    number = serializers.CharField(help_text="The payment's id")
    booking_id = serializers.CharField()
    student = serializers.CharField()
    instructor = serializers.CharField(help_text="First name and initial")
    service = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    price = PriceDocument()
    card = TextOrNull(help_text="Brand and last four digits")
    card_charged_cents = serializers.IntegerField()
    refunded_to_card_cents = serializers.IntegerField()
    credits_used_cents = serializers.IntegerField()
    credits_issued_cents = serializers.IntegerField()
    settlement_outcome = TextOrNull()
    settled_at = serializers.DateTimeField(allow_null=True, help_text="null: the money is not final yet")
    transactions = TransactionDocument(many=True, help_text="Oldest first")


class Receipt(BookingApi):
    """What was paid for a lesson, line by line, and what came back."""

    permission_classes = (SeesWhatTheStudentPays,)
    answers = ReceiptDocument
    operation_id = {"GET": "read_receipt"}

    def get(self, request: Request, booking_id: str) -> Response:
        return Response(self.render(_receipt(booking_seen_by(self.user, booking_id))))


def _receipt(booking: Booking) -> dict[str, Any]:
    payment = booking.payment
    card = PaymentMethod.objects.filter(stripe_id=payment.payment_method_id).first()
    return {
        "number": payment.pk,
        "booking_id": booking.pk,
        "student": f"{booking.student.first_name} {booking.student.last_name}".strip(),
        "instructor": booking.instructor.public_name,
        "service": booking.service.name,
        "starts_at": booking.starts_at,
        "ends_at": booking.ends_at,
        "timezone": booking.timezone,
        "price": frozen_amounts(payment),
        "card": f"{card.brand} {card.last4}" if card and payment.payment_method_id else "",
        "card_charged_cents": payment.card_charged_cents,
        "refunded_to_card_cents": payment.refunded_to_card_cents,
        "credits_used_cents": payment.credits_consumed_cents,
        "credits_issued_cents": payment.credits_issued_cents,
        "settlement_outcome": payment.settlement_outcome,
        "settled_at": payment.settled_at,
        "transactions": shown(lines_of_payment(payment)[0:1000]),
    }
