"""Instants in words, always with the zone: `Tue, Mar 2, 9:30 AM EST`. A clock change on the way is said."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from catalog.local_time import steady_periods

DAY = timedelta(days=1)
SOON = timedelta(days=6)


def abbreviation(instant: datetime, zone: ZoneInfo) -> str:
    """`EST`, or `GMT+5:45` where a zone has no letters of its own."""
    name = instant.astimezone(zone).tzname() or zone.key
    if name[:1] not in "+-":
        return name
    hours, minutes = name[1:3].lstrip("0") or "0", name[3:5]
    return f"GMT{name[0]}{hours}{':' + minutes if minutes not in ('', '00') else ''}"


def place(zone: ZoneInfo) -> str:
    """`New York` for `America/New_York`."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def clock_of(instant: datetime, zone: ZoneInfo) -> str:
    """`9:30 AM`."""
    local = instant.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M} {local:%p}"


def day_of(instant: datetime, zone: ZoneInfo, *, now: datetime | None = None) -> str:
    """`Tue, Mar 2`; with the year when it is not this one; `today` and `tomorrow` when `now` is given."""
    local = instant.astimezone(zone)
    if now is not None:
        today = now.astimezone(zone).date()
        if local.date() in (today, today + DAY):
            return "today" if local.date() == today else "tomorrow"
        if local.year == today.year:
            return f"{local:%a, %b} {local.day}"
    return f"{local:%a, %b} {local.day}, {local.year}"


def long_day(day: date) -> str:
    """`Tuesday, March 2`."""
    return f"{day:%A, %B} {day.day}"


def moment(instant: datetime, zone: ZoneInfo, *, now: datetime | None = None) -> str:
    """`Tue, Mar 2, 9:30 AM EST`."""
    return f"{day_of(instant, zone, now=now)}, {clock_of(instant, zone)} {abbreviation(instant, zone)}"


def span(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    """`9:30 – 10:30 AM EST`."""
    first, last = clock_of(starts, zone), clock_of(ends, zone)
    if first[-2:] == last[-2:]:
        first = first[:-3]
    return f"{first} – {last} {abbreviation(ends, zone)}"


def differ(instant: datetime, one: ZoneInfo, other: ZoneInfo) -> bool:
    """Whether two zones show different clocks at an instant."""
    return instant.astimezone(one).utcoffset() != instant.astimezone(other).utcoffset()


def clock_change(now: datetime, instant: datetime, zone: ZoneInfo) -> str:
    """What is said when clocks change between now and then; empty when they do not.

    Looks at most a year ahead.
    """
    if instant <= now or now.astimezone(zone).utcoffset() == instant.astimezone(zone).utcoffset():
        return ""
    changes = [start for (start, _), _ in steady_periods(zone, now, min(instant, now + 366 * DAY))][1:]
    if not changes:
        return ""
    change = changes[-1].astimezone(zone)
    way = (
        "forward"
        if (instant.astimezone(zone).utcoffset() or DAY) > (now.astimezone(zone).utcoffset() or DAY)
        else "back"
    )
    return f"The clocks in {place(zone)} go {way} on {change:%A, %B} {change.day}. The time shown is the one on the clock that day."


def within(span: timedelta) -> str:
    """`2 days 3 h`, `5 h 20 min`, `12 min`, for a countdown in words; never negative."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} day{'s' if days > 1 else ''}{f' {hours} h' if hours else ''}"
    if hours:
        return f"{hours} h{f' {minutes} min' if minutes else ''}"
    return f"{minutes} min" if minutes else "less than a minute"
