"""Hours as people write them: `9–12:30, 2 pm – 6 pm`, `closed`, `not 12–14`; and back."""

import re
from datetime import time
from itertools import pairwise

from django import forms
from django.core.exceptions import ValidationError

Stretch = tuple[time, time]
CLOSED, EXCEPT = "closed", "not"
PART = re.compile(
    r"\s*(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?\s*(?:-|–|—|to|until)\s*(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?\s*",
    re.IGNORECASE,
)
WRONG = "Write hours such as 9–12:30, 14–18."


def read(text: str) -> list[Stretch]:
    """The stretches of a day. Empty text is no hours; `all day` is from midnight to midnight. Raises ValidationError."""
    text = text.strip()
    if not text:
        return []
    if text.lower() in ("all day", "always"):
        return [(time(0), time(0))]
    found = sorted(_stretch(part) for part in text.split(","))
    for (_, ends), (starts, _) in pairwise(found):
        if ends == time(0) or starts < ends:
            raise ValidationError("Two of these stretches overlap.")
    return found


def write(stretches: list[Stretch]) -> str:
    """`9–12:30, 14–18`."""
    if stretches == [(time(0), time(0))]:
        return "all day"
    return ", ".join(f"{_clock(starts)}–{_clock(ends) if ends != time(0) else '24'}" for starts, ends in stretches)


def _stretch(part: str) -> Stretch:
    found = PART.fullmatch(part)
    if found is None:
        raise ValidationError(WRONG)
    hour, minute, half, last_hour, last_minute, last_half = found.groups()
    starts = _time(hour, minute, half or (last_half if last_half and int(hour) <= int(last_hour) else None))
    ends = _time(last_hour, last_minute, last_half)
    if ends != time(0) and ends <= starts:
        raise ValidationError("Each stretch ends after it starts.")
    return starts, ends


def _time(hour: str, minute: str | None, half: str | None) -> time:
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValidationError(WRONG)
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    if hours == 24 and not int(minute or 0):
        return time(0)
    try:
        return time(hours, int(minute or 0))
    except ValueError:
        raise ValidationError(WRONG) from None


def _clock(at: time) -> str:
    return f"{at.hour}:{at:%M}" if at.minute else str(at.hour)


class HoursField(forms.CharField):
    """A day's hours as text; cleans to stretches."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(required=False, max_length=200, **kwargs)  # type: ignore[arg-type]

    def clean(self, value: object) -> list[Stretch]:
        return read(super().clean(value))


class ExceptionField(forms.CharField):
    """What a date differs in; cleans to (whether it opens, stretches), or None when empty. Closed has no stretches."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(required=False, max_length=200, **kwargs)  # type: ignore[arg-type]

    def clean(self, value: object) -> tuple[bool, list[Stretch]] | None:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        if text.lower() in (CLOSED, "off", "away"):
            return False, []
        opens = not text.lower().startswith(EXCEPT)
        return opens, read(text if opens else text[len(EXCEPT) :])
