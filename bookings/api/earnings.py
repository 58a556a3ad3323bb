"""`instructor/earnings` and `instructor/analytics/payouts`: what lessons bring, one by one and over time."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import EARLIEST, LATEST
from bookings import earnings
from bookings.models import Booking
from catalog.local_time import zone_of

from .answers import ServiceDocument
from .base import BookingApi, IsInstructor, LatestFirst
from .csv_files import CHUNK, csv_answer, dollars_cell

MOST_DAYS = 366 * 5
INTERVALS = ("week", "month")
COLUMNS = (
    "booking_id", "starts_at", "service", "student", "gross", "commission", "net", "reversed", "status", "outcome",
    "settled_at",
)  # fmt: skip


class DaysFilters(serializers.Serializer[Any]):
    """From one day to another, both included, in the instructor's zone; open when left out."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(required=False), **super().get_fields()}  # `from` is a word of Python

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("from", "to"):
            if name in attrs and not EARLIEST.date() <= attrs[name] <= LATEST.date():
                raise serializers.ValidationError({name: ["The year is out of range."]})
        if "from" in attrs and "to" in attrs and attrs["to"] < attrs["from"]:
            raise serializers.ValidationError({"to": ["Not before `from`."]})
        return attrs


class EarningFilters(DaysFilters):
    status = serializers.ChoiceField(earnings.STATUSES, required=False)
    format = serializers.ChoiceField(("json", "csv"), default="json", help_text="csv: all of it, as a file")


class HistoryFilters(DaysFilters):
    """The last twelve weeks or months when left out."""

    interval = serializers.ChoiceField(INTERVALS, default="month", help_text="Weeks begin on Monday")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "from" in attrs and "to" in attrs and (attrs["to"] - attrs["from"]).days > MOST_DAYS:
            raise serializers.ValidationError({"to": [f"At most {MOST_DAYS} days after `from`."]})
        return attrs


class EarningDocument(serializers.Serializer[Booking]):
    """What one lesson brings."""

    booking_id = serializers.CharField(source="pk")
    starts_at = serializers.DateTimeField()
    timezone = serializers.CharField()
    booking_status = serializers.CharField(source="status")
    service = ServiceDocument()
    student = serializers.CharField(source="student.public_name", help_text="First name and initial")
    gross_cents = serializers.IntegerField(source="payment.lesson_price_cents")
    commission_cents = serializers.IntegerField(source="payment.instructor_commission_cents")
    net_cents = serializers.IntegerField(help_text="What you have of it; while it is pending, what is expected")
    reversed_cents = serializers.IntegerField(help_text="Taken back by a refund or a chargeback")
    status = serializers.CharField(
        source="earning_status", help_text="pending, available at Stripe, or paid to the bank (the oldest first)"
    )
    outcome = serializers.CharField(source="payment.settlement_outcome", help_text="Empty while it is pending")
    settled_at = serializers.DateTimeField(source="payment.settled_at", allow_null=True)


class TotalsDocument(serializers.Serializer[earnings.Totals]):
    lessons = serializers.IntegerField()
    gross_cents = serializers.IntegerField()
    commission_cents = serializers.IntegerField()
    net_cents = serializers.IntegerField(help_text="pending + available + paid")
    reversed_cents = serializers.IntegerField()
    pending_cents = serializers.IntegerField()
    available_cents = serializers.IntegerField()
    paid_cents = serializers.IntegerField()


class PointDocument(serializers.Serializer[earnings.Point]):
    starts_on = serializers.DateField(help_text="The first day of the week or month")
    earned_cents = serializers.IntegerField(help_text="From lessons settled in it")
    payouts_cents = serializers.IntegerField(help_text="Sent to the bank in it, and not sent back")
    payout_count = serializers.IntegerField()
    fees_cents = serializers.IntegerField(help_text="For instant payouts")


class HistoryDocument(serializers.Serializer[Any]):
    timezone = serializers.CharField(help_text="The instructor's: where a day begins")
    interval = serializers.CharField()
    points = PointDocument(many=True, help_text="Without gaps, oldest first")


class PagesWithTotals(LatestFirst):
    """Pages that carry the totals of the whole list."""

    totals: earnings.Totals

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["totals"] = TotalsDocument(self.totals).data
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        paged = super().get_paginated_response_schema(schema)
        names = {name: {"type": "integer"} for name in TotalsDocument().fields}
        paged["properties"]["totals"] = {"type": "object", "properties": names, "required": list(names)}
        paged.setdefault("required", []).append("totals")
        return paged


class Earnings(BookingApi):
    """What lessons bring, latest first, with the totals of all that match; `format=csv` is all of it as a file."""

    permission_classes = (IsInstructor,)
    filters, answers, pagination_class = EarningFilters, EarningDocument, PagesWithTotals
    files = ("text/csv",)
    operation_id = {"GET": "list_earnings"}

    def get(self, request: Request) -> HttpResponseBase:
        query = self.query()
        zone = zone_of(self.user.timezone)
        since, until = query.get("from"), query.get("to")
        lessons = earnings.earnings_of(
            self.user,
            since=datetime.combine(since, time(0), zone).astimezone(UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(0), zone).astimezone(UTC) if until else None,
            status=query.get("status", ""),
        )
        if query["format"] == "csv":
            rows = lessons.order_by("-starts_at", "-pk").iterator(CHUNK)
            return csv_answer("earnings", COLUMNS, (_row(lesson) for lesson in rows))
        paginator = self.pagination_class()
        paginator.totals = earnings.totals_of(lessons)
        page: Any = paginator.paginate_queryset(lessons, request, self)
        return paginator.get_paginated_response(EarningDocument(page, many=True).data)


class PayoutHistory(BookingApi):
    """Earnings and payouts by week or month, for a chart."""

    permission_classes = (IsInstructor,)
    filters, answers = HistoryFilters, HistoryDocument
    operation_id = {"GET": "read_payout_history"}

    def get(self, request: Request) -> Response:
        query = self.query()
        last: date = query.get("to") or self.now.astimezone(zone_of(self.user.timezone)).date()
        first: date = query.get("from") or _twelve_before(last, query["interval"])
        if (last - first).days > MOST_DAYS:
            first = last - timedelta(days=MOST_DAYS)
        points = earnings.history_of(self.user, interval=query["interval"], first=first, last=max(first, last))
        return Response(self.render({"timezone": self.user.timezone, "interval": query["interval"], "points": points}))


def _twelve_before(last: date, interval: str) -> date:
    """A day in the first of the twelve weeks or months that end with a day."""
    return last - timedelta(weeks=11) if interval == "week" else last.replace(day=1) - timedelta(days=330)


def _row(lesson: Any) -> tuple[Any, ...]:
    payment = lesson.payment
    amounts = (
        payment.lesson_price_cents, payment.instructor_commission_cents, lesson.net_cents, lesson.reversed_cents,
    )  # fmt: skip
    return (
        lesson.pk, lesson.starts_at, lesson.service.name, lesson.student.public_name, *map(dollars_cell, amounts),
        lesson.earning_status, payment.settlement_outcome, payment.settled_at,
    )  # fmt: skip
