"""How the sandbox page writes money and times."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from common.money import dollars

register = template.Library()


@register.filter
def money(cents: int) -> str:
    """`$1,234.56`."""
    return dollars(cents)


@register.filter
def moment(instant: datetime, zone: str) -> str:
    """`Sat 21 Nov, 4:05 PM` in a zone; the page names the zone once."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}, {local.hour % 12 or 12}:{local:%M %p}"


@register.filter
def words(value: object) -> str:
    """A status or the kind of an event, for people."""
    return str(value).replace("_", " ").lower()
