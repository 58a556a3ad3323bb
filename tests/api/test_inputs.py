"""What comes in is checked strictly before anything is asked of the house."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from rest_framework.serializers import Serializer

from bookings.api import inputs
from bookings.api.webhook import OTHER_SECRET

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
START = {"starts_at": "2027-03-01T12:00:00Z"}
LESSON = {"service_id": ULID, "duration_minutes": 60, "location_type": "online"}


def errors_of(serializer: type[Serializer[Any]], data: Any) -> set[str]:
    checked = serializer(data=data)
    checked.is_valid()
    return set(checked.errors)


def values_of(serializer: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def test_unknown_members_are_ignored() -> None:
    assert values_of(inputs.CancelInput, {"reason": "ill", "price_cents": 1}) == {"reason": "ill", "quote_id": None}


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        ("2027-03-01T12:00:00Z", datetime(2027, 3, 1, 12, tzinfo=UTC)),
        ("2027-03-01T12:00:00-05:00", datetime(2027, 3, 1, 17, tzinfo=UTC)),
        ("2027-03-01T12:00Z", datetime(2027, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_an_instant_carries_its_zone_and_becomes_utc(start: str, utc: datetime) -> None:
    assert values_of(inputs.StartInput, {"starts_at": start})["starts_at"] == utc


@pytest.mark.parametrize(
    "start",
    [
        "2027-03-01T12:00:00",
        "2027-03-01",
        "tomorrow",
        "",
        None,
        20270301,
        {},
        [],
        True,
        "2027-02-30T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2027-03-01T12:00:00Z\x00",
    ],
)
def test_anything_but_an_instant_is_refused(start: Any) -> None:
    assert errors_of(inputs.StartInput, {"starts_at": start}) == {"starts_at"}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "starts_at"),
        ({**START, "local_start": "2027-03-01T12:00", "timezone": "UTC"}, "starts_at"),
        ({"local_start": "2027-03-01T12:00"}, "timezone"),
        ({"local_start": "2027-03-01T12:00Z", "timezone": "UTC"}, "local_start"),
        ({"local_start": "2027-03-01T12:00", "timezone": "Mars/Olympus"}, "timezone"),
        ({"local_start": "2027-03-01T12:00", "timezone": "../../etc/passwd"}, "timezone"),
        ({"local_start": "2027-03-01T12:00", "timezone": "America/New_York\n"}, None),
    ],
)
def test_a_start_is_an_instant_or_a_local_time_with_its_zone(data: dict[str, Any], field: str | None) -> None:
    assert errors_of(inputs.StartInput, data) == ({field} if field else set())


@pytest.mark.parametrize(
    ("serializer", "good", "bad"),
    [
        (inputs.CancelInput, {"reason": "x" * 500}, {"reason": "x" * 501}),
        (inputs.CancelInput, {"reason": "x"}, {"reason": "   "}),
        (inputs.CancelInput, {"reason": "x"}, {"reason": "a\x00b"}),
        (inputs.CancelInput, {"reason": "x"}, {"reason": None}),
        (inputs.CancelInput, {"reason": "x"}, {}),
        (inputs.DisputeNoShowInput, {"reason": "x" * 10}, {"reason": "x" * 9}),
        (inputs.DisputeNoShowInput, {"reason": "x" * 500}, {"reason": "x" * 501}),
        (inputs.DisputeCompletionInput, {"reason": "x" * 2000}, {"reason": "x" * 2001}),
        (inputs.ReportNoShowInput, {"reason": "x", "no_show_type": "student"}, {"reason": "x", "no_show_type": "dog"}),
        (inputs.RefundInput, {"reason": "other", "amount_cents": 1}, {"reason": "other", "amount_cents": 0}),
        (inputs.RefundInput, {"reason": "other"}, {"reason": "because"}),
        (inputs.RefundInput, {"reason": "other", "amount_cents": None}, {"reason": "other", "amount_cents": 10**12}),
        (inputs.RefundInput, {"reason": "other", "amount_cents": 7}, {"reason": "other", "amount_cents": 7.5}),
        (inputs.RefundInput, {"reason": "other", "amount_cents": 7}, {"reason": "other", "amount_cents": True}),
        (inputs.ResolveReviewInput, {"reason": "x", "resolution": "resume"}, {"reason": "x", "resolution": "flip"}),
        (inputs.StaffCancelInput, {"reason": "x", "refund": False}, {"reason": "x"}),
        (inputs.CheckOutInput, {"booking_id": ULID}, {"booking_id": "1"}),
        (inputs.CheckOutInput, {"booking_id": ULID}, {"booking_id": ULID, "requested_credit_cents": -1}),
        (inputs.CheckOutInput, {"booking_id": ULID}, {"booking_id": ULID, "payment_method_id": "pm_1/../x"}),
        (inputs.PreviewInput, {**LESSON, **START}, {**LESSON, **START, "duration_minutes": 0}),
        (inputs.PreviewInput, {**LESSON, **START}, {**LESSON, **START, "duration_minutes": 10**9}),
        (inputs.PreviewInput, {**LESSON, **START}, {**LESSON, **START, "location_type": "moon"}),
        (inputs.BookInput, {**LESSON, **START}, {**LESSON, **START, "note": "x" * 1001}),
        (inputs.OnboardInput, {"return_url": f"{settings.SITE_URL}/home"}, {"return_url": "javascript:alert(1)"}),
        (inputs.PeriodFilters, {"from": "2027-03-01", "to": "2027-03-01"}, {"from": "2027-03-02", "to": "2027-03-01"}),
        (inputs.PeriodFilters, {"from": "2027-03-01", "to": "2027-03-02"}, {"from": "2027-03-01", "to": "2028-03-01"}),
        (inputs.PeriodFilters, {"from": "2027-03-01", "to": "2027-03-02"}, {"from": "0001-01-01", "to": "0001-01-01"}),
    ],
)
def test_bounds(serializer: type[Serializer[Any]], good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert errors_of(serializer, good) == set()
    assert errors_of(serializer, bad)


def test_the_header_by_which_debug_would_open_the_webhook_is_the_one_djstripe_reads() -> None:
    from pathlib import Path

    from djstripe.models import webhooks

    name = OTHER_SECRET.removeprefix("HTTP_").replace("_", "-").lower()
    assert f'"{name}"' in Path(webhooks.__file__).read_text()
