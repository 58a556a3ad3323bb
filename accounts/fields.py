"""Fields that our documents share. Texts refuse NUL and lone surrogates by REST framework's own rules."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from common.ids import ULID_LENGTH

LARGEST_AMOUNT_CENTS = 100_000_000
EARLIEST, LATEST = datetime(2000, 1, 2, tzinfo=UTC), datetime(2199, 12, 30, tzinfo=UTC)


class UlidField(serializers.CharField):
    """One of our own ids."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=ULID_LENGTH, **kwargs)
        self.validators.append(RegexValidator(r"\A[0-9A-HJKMNP-TV-Z]{26}\Z", "Not an id."))


class StripeIdField(serializers.CharField):
    """A payment method: one of our ids, or Stripe's own `pm_…`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)
        self.validators.append(RegexValidator(r"\A[A-Za-z0-9_]+\Z", "Not the id of a payment method."))


class CentsField(serializers.IntegerField):
    """An amount a caller may ask for, in cents."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": LARGEST_AMOUNT_CENTS, **kwargs})


class ReasonField(serializers.CharField):
    """Why somebody does something: 1 to 500 characters unless said otherwise."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": 500, **kwargs})


class InstantField(serializers.DateTimeField):
    """An instant: ISO 8601 with its zone in, UTC out. A time without a zone is refused, not guessed."""

    default_error_messages = {
        "zone": "A time needs its zone: end it with Z or an offset such as -04:00.",
        "invalid": "Not an ISO 8601 time such as 2026-03-08T15:00:00Z.",
        "range": "The year is out of range.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        instant = _parsed(self, value)
        if instant.tzinfo is None:
            self.fail("zone")
        if not EARLIEST - timedelta(days=1) <= instant <= LATEST + timedelta(days=1):
            self.fail("range")
        return instant.astimezone(UTC)


class WallClockField(serializers.DateTimeField):
    """What a clock on the wall shows; the zone is told beside it."""

    default_error_messages = {
        "zone": "This is the local time: leave out the zone and say it in `timezone`.",
        "invalid": "Not a local ISO 8601 time such as 2026-03-08T15:00.",
        "range": "The year is out of range.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        moment = _parsed(self, value)
        if moment.tzinfo is not None:
            self.fail("zone")
        if not EARLIEST.replace(tzinfo=None) <= moment <= LATEST.replace(tzinfo=None):
            self.fail("range")
        return moment


class ZoneField(serializers.CharField):
    """An IANA time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)
        self.validators.append(refuse_unknown_zone)


def refuse_unknown_zone(name: str) -> None:
    if name not in _zones():
        raise serializers.ValidationError("Not an IANA time zone such as America/New_York.")


class OwnAddressField(serializers.URLField):
    """An address on this very site: nobody is sent elsewhere by a link of ours."""

    default_error_messages = {"elsewhere": "Must be an address on this site."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        url = str(super().to_internal_value(data))
        try:
            asked, ours = urlsplit(url), urlsplit(settings.SITE_URL)
            is_ours = (asked.scheme, asked.hostname, asked.port) == (ours.scheme, ours.hostname, ours.port)
        except ValueError:
            is_ours = False
        if not is_ours or asked.username is not None or "\\" in url:
            self.fail("elsewhere")
        return url


class TextOrNull(serializers.CharField):
    """A text of an answer; null instead of an empty one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True, **kwargs})

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]  # null is our point
        return str(value) or None


def _parsed(field: serializers.Field[Any, Any, Any, Any], value: Any) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) and value.isprintable() else None
    except ValueError:
        moment = None
    if moment is None:
        field.fail("invalid")
    return moment


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
