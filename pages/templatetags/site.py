"""How the pages write money, times, people and icons."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from bookings.models import Booking
from common.money import dollars
from pages import times
from pages.drawings import ICONS, portrait

register = template.Library()


@register.filter
def money(cents: int | None) -> str:
    """`$1,234.56`; with a real minus sign."""
    return dollars(cents or 0).replace("-", "−")


@register.filter
def whole_dollars(cents: int) -> str:
    """`$120` where there are no cents, `$82.50` where there are."""
    return dollars(cents).removesuffix(".00")


@register.filter
def percent(bps: int) -> str:
    """`12 %` for 1200 basis points."""
    return f"{bps / 100:g} %"


@register.filter
def minutes(length: int) -> str:
    """`45 min`, `1 h`, `1 h 30 min`."""
    hours, rest = divmod(int(length), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


@register.simple_tag(takes_context=True)
def when(context: template.Context, instant: datetime | None) -> str:
    """`Tue, Mar 2, 9:30 AM EST` in the viewer's zone, as a <time>."""
    if instant is None:
        return ""
    return _time(instant, times.moment(instant, context["zone"], now=context.get("now")))


@register.simple_tag(takes_context=True)
def day(context: template.Context, instant: datetime) -> str:
    """`Tue, Mar 2` in the viewer's zone."""
    return _time(instant, times.day_of(instant, context["zone"], now=context.get("now")))


@register.simple_tag(takes_context=True)
def countdown(context: template.Context, instant: datetime) -> str:
    """`5 h 20 min` from now until then."""
    return times.within(instant - context["now"])


@register.inclusion_tag("pages/parts/lesson_time.html", takes_context=True)
def lesson_time(context: template.Context, booking: Booking, *, full: bool = False) -> dict[str, Any]:
    """When a lesson is: in the viewer's zone; `full` adds the other side's zone and a clock change on the way."""
    zone, now = context["zone"], context.get("now")
    viewer = getattr(context.get("request"), "user", None)
    other = booking.student if isinstance(viewer, User) and viewer.pk == booking.instructor_id else booking.instructor
    theirs, starts, ends = ZoneInfo(other.timezone), booking.starts_at, booking.ends_at
    return {
        "starts_at": booking.starts_at,
        "day": times.day_of(booking.starts_at, zone, now=now),
        "span": times.span(booking.starts_at, booking.ends_at, zone),
        "other": other if full and times.differ(booking.starts_at, zone, theirs) else None,
        "other_moment": f"{times.day_of(starts, theirs, now=now)}, {times.span(starts, ends, theirs)}",
        "other_place": times.place(theirs),
        "clock_change": times.clock_change(now, booking.starts_at, zone) if full and now else "",
    }


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small drawing beside words; screen readers do not read it."""
    return mark_safe(  # noqa: S308  # from our own table
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{ICONS[name]}</svg>'
    )


@register.simple_tag
def avatar(person: User, size: str = "") -> SafeString:
    """A picture drawn from somebody's name; the name itself stands beside it."""
    return portrait(seed=person.pk, initials=f"{person.first_name[:1]}{person.last_name[:1]}".upper(), size=size)


def _time(instant: datetime, words: str) -> str:
    return format_html('<time datetime="{}">{}</time>', instant.isoformat(), words)
