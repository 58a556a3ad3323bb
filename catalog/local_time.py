"""Wall clocks and instants: what a local time means in a zone whose clocks change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil, floor
from zoneinfo import ZoneInfo, available_timezones

from common.problems import Invalid, Refused

Range = tuple[datetime, datetime]
"""A stretch of time as two UTC instants: from the first up to, and without, the second."""

STEP = timedelta(hours=6)  # no zone changes its clocks twice within it


class InvalidLocalTime(Refused):
    """The clocks skip this local time: nobody can start then."""

    code, title = "invalid_local_time", "There is no such time on that day"
    remedy = "Choose another time: clocks change in that night."


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises Invalid (field `timezone`) when there is none."""
    if not is_zone(name):
        raise Invalid(
            f"{name!r} is not an IANA time zone.",
            errors={"timezone": ["Use an IANA time zone such as America/New_York."]},
        )
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether there is an IANA zone of that name."""
    return name in _zone_names()


def resolve_local_start(local_start: datetime, timezone: str, *, fold: int | None = None) -> datetime:
    """The UTC instant of a wall-clock time without offset in a zone.

    A time that happens twice means the first one, unless `fold=1`. Raises InvalidLocalTime for a time that the clocks
    skip, and Invalid for an unknown zone, a time that carries an offset or one beyond the calendar.
    """
    zone = zone_of(timezone)
    if local_start.tzinfo is not None:
        raise Invalid(
            "A local time comes without an offset.", errors={"local_start": ["Leave the offset out, or use starts_at."]}
        )
    try:
        instant = local_start.replace(tzinfo=zone, fold=fold or 0).astimezone(UTC)
    except OverflowError:
        raise Invalid("That time is out of range.", errors={"local_start": ["Choose a time in our century."]}) from None
    if instant.astimezone(zone).replace(tzinfo=None) != local_start:
        raise InvalidLocalTime(_skipped(local_start, zone), local_start=local_start.isoformat(), timezone=timezone)
    return instant


def steady_periods(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[Range, timedelta]]:
    """The parts of [since, until) between clock changes, each with its offset from UTC."""
    start, at, offset = since, since, _offset(zone, since)
    while at < until:
        following = min(at + STEP, until)
        if (changed := _offset(zone, following)) != offset:
            change = _change(zone, at, following)
            yield (start, change), offset
            start, offset = change, changed
        at = following
    if start < until:
        yield (start, until), offset


def instants_of(local_start: datetime, local_end: datetime, periods: list[tuple[Range, timedelta]]) -> list[Range]:
    """When the clock on the wall reads from `local_start` up to `local_end`: twice if it is turned back."""
    ranges = []
    for (since, until), offset in periods:
        start = max((local_start - offset).replace(tzinfo=UTC), since)
        end = min((local_end - offset).replace(tzinfo=UTC), until)
        if start < end:
            ranges.append((start, end))
    return ranges


@cache
def _zone_names() -> set[str]:
    return available_timezones()


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the offset of `after`."""
    offset, low, high = _offset(zone, after), floor(before.timestamp()), ceil(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def _skipped(local: datetime, zone: ZoneInfo) -> str:
    """Names the gap that a local time falls into."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC) - timedelta(days=1)
    (_, change), before = next(steady_periods(zone, first, first + timedelta(days=2)))
    old = change.replace(tzinfo=None) + before
    new = change.astimezone(zone).replace(tzinfo=None)
    return (
        f"{local:%H:%M} on {local:%-d %B %Y} does not exist in {zone.key}:"
        f" the clocks go from {old:%H:%M} straight to {new:%H:%M}."
    )
