"""The availability editor: the week, dates that differ, buffers and notice; a preview of what that really comes to."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms import Form

from catalog.availability import schedule_of
from catalog.hours import LIMITS, DateStretch, Hours, StaleHours, WeeklyStretch, hours_of, replace_hours
from catalog.local_time import Range, steady_periods
from catalog.models import InstructorProfile
from common.actors import Role
from common.problems import Problem
from pages import times
from pages.door import FormPage, to
from pages.forms import PageForm, Text

from .stretches import ExceptionField, HoursField, write

STALE = (
    "Your hours were changed elsewhere while you were typing, maybe in another window. Nothing was saved."
    " What is stored now is below; save once more to replace it with what you typed."
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NEW_ROWS = 3
MOST_ROWS = 60
DAY = timedelta(days=1)
HABITS = {
    "buffer_minutes": "Minutes between two lessons",
    "travel_buffer_minutes": "Minutes between two lessons when you travel",
    "minimum_notice_minutes": "Notice before an online lesson, in minutes",
    "travel_notice_minutes": "Notice before you travel to a lesson, in minutes",
}


class HoursInput(PageForm):
    """Seven days, some dates, a few habits. Rows of dates are as many as there are, and some more."""

    version = Text(max_length=64, widget=forms.HiddenInput)
    overnight_protection = forms.BooleanField(label="Nobody books for the morning during the night", required=False)

    def __init__(self, *args: Any, rows: int = NEW_ROWS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, name in enumerate(DAYS):
            self.fields[f"day_{number}"] = HoursField(label=name)
        for number in range(rows):
            self.fields[f"date_{number}"] = forms.DateField(
                label="Date", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            )
            self.fields[f"hours_{number}"] = ExceptionField(label="Hours")
        for name, label in HABITS.items():
            low, high = LIMITS[name]
            self.fields[name] = forms.IntegerField(label=label, min_value=low, max_value=high)
        self.rows = rows

    def days(self) -> list[Any]:
        return [self[f"day_{number}"] for number in range(7)]

    def dates(self) -> list[tuple[Any, Any]]:
        return [(self[f"date_{number}"], self[f"hours_{number}"]) for number in range(self.rows)]

    def habits(self) -> list[Any]:
        return [self[name] for name in HABITS]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for number in range(self.rows):
            when, hours = said.get(f"date_{number}"), said.get(f"hours_{number}")
            if when and hours is None and f"hours_{number}" not in self.errors:
                self.add_error(f"hours_{number}", "Write closed, extra hours such as 10–14, or not 12–13.")
            if hours is not None and not when and f"date_{number}" not in self.errors:
                self.add_error(f"date_{number}", "Which date?")
        return said


class Availability(FormPage):
    """When an instructor teaches. Saved over somebody else's change only on purpose."""

    template, title, form = "pages/teach/hours.html", "When you teach", HoursInput
    roles = (Role.INSTRUCTOR,)
    done_words = "Saved. Lessons that are booked already stay."

    def content(self) -> dict[str, Any]:
        hours = hours_of(self.user)
        profile = InstructorProfile.objects.select_related("user").filter(pk=self.user.pk).first()
        return {
            "hours": hours,
            "weekly": [(DAYS[day], write(stretches)) for day, stretches in by_day(hours).items() if stretches],
            "preview": Preview(profile, self.now).weeks() if profile else [],
            "zone_words": times.place(ZoneInfo(hours.timezone)),
        }

    def make_form(self, content: dict[str, Any], **given: Any) -> Form:
        data = given.get("data")
        typed = sum(1 for name in data if name.startswith("date_")) if data else 0
        rows = min(typed or len(coming(content["hours"], self.today)) + NEW_ROWS, MOST_ROWS)
        if data is None:
            return HoursInput(initial=self.initial(content), rows=rows)
        return HoursInput(data=data, rows=rows)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.user.timezone)).date()

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        hours: Hours = content["hours"]
        said: dict[str, Any] = {name: getattr(hours, name) for name in (*HABITS, "overnight_protection", "version")}
        said |= {f"day_{day}": write(stretches) for day, stretches in by_day(hours).items()}
        for number, (when, words) in enumerate(coming(hours, self.today)):
            said |= {f"date_{number}": when, f"hours_{number}": words}
        return said

    def operate(self, *, version: str, **said: Any) -> Hours:
        return replace_hours(instructor=self.user, hours=self.wanted(said), is_current=lambda now: now == version)

    def wanted(self, said: dict[str, Any]) -> Hours:
        """What was typed; dates that are over stay as they were."""
        before = hours_of(self.user)
        exceptions = [one for one in before.exceptions if one.date < self.today]
        blackouts = [day for day in before.blackout_days if day < self.today]
        for number in range(MOST_ROWS):
            when, hours = said.get(f"date_{number}"), said.get(f"hours_{number}")
            if not when or hours is None:
                continue
            opens, stretches = hours
            if not stretches and not opens:
                blackouts.append(when)
            exceptions += [DateStretch(when, starts, ends, opens) for starts, ends in stretches]
        weekly = [WeeklyStretch(day, *stretch) for day in range(7) for stretch in said[f"day_{day}"]]
        habits = {name: said[name] for name in (*HABITS, "overnight_protection")}
        return Hours(
            timezone=self.user.timezone,
            weekly_hours=tuple(weekly),
            exceptions=tuple(sorted(exceptions, key=str)),
            blackout_days=tuple(sorted(set(blackouts))),
            **habits,
        )

    def refused(self, content: dict[str, Any], form: Form, problem: Problem, **path: Any) -> Any:
        if isinstance(problem, StaleHours):
            data = self.request.POST.copy()
            data["version"] = hours_of(self.user).version  # saving once more is on purpose
            form = self.make_form(content, data=data)
            form.is_valid()
            form.add_error(None, STALE)
            return self.again({**self.content(), "is_stale": True}, form, problem.status)
        return super().refused(content, form, problem, **path)

    def done_url(self, result: object) -> str:
        return to("availability")


def by_day(hours: Hours) -> dict[int, list[tuple[time, time]]]:
    """The stretches of each weekday."""
    days: dict[int, list[tuple[time, time]]] = {day: [] for day in range(7)}
    for one in hours.weekly_hours:
        days[one.weekday].append((one.starts, one.ends))
    return days


def coming(hours: Hours, today: date) -> list[tuple[date, str]]:
    """The dates from today on that differ, each with its words."""
    rows = [(day, "closed") for day in hours.blackout_days if day >= today]
    for one in hours.exceptions:
        if one.date >= today:
            words = write([(one.starts or time(0), one.ends or time(0))])
            rows.append((one.date, words if one.is_available else f"not {words}"))
    return sorted(rows)


class Preview:
    """What the saved hours really come to: the coming week, and the days around the next clock change."""

    def __init__(self, profile: InstructorProfile, now: datetime) -> None:
        self.profile, self.now, self.zone = profile, now, ZoneInfo(profile.user.timezone)

    def weeks(self) -> list[dict[str, Any]]:
        """Blocks to show, each with its title and its days."""
        today = self.now.astimezone(self.zone).date()
        blocks = [{"title": "The next seven days", "days": self.days(today, 7)}]
        change = self.next_change()
        if change is not None:
            words = times.clock_change(self.now, change + DAY, self.zone)
            eve = change.astimezone(self.zone).date() - DAY
            blocks.append({"title": "When the clocks change", "words": words, "days": self.days(eve, 3)})
        return blocks

    def next_change(self) -> datetime | None:
        """The next clock change within a year."""
        starts = [start for (start, _), _ in steady_periods(self.zone, self.now, self.now + 366 * DAY)]
        return starts[1] if len(starts) > 1 else None

    def days(self, first: date, count: int) -> list[dict[str, Any]]:
        since = datetime.combine(first, time(0), self.zone).astimezone(UTC)
        until = datetime.combine(first + count * DAY, time(0), self.zone).astimezone(UTC)
        schedule = schedule_of(self.profile, since=since, until=until)
        ranges = [one for n in range(count) for one in self.on(schedule.open_ranges(since, until), first + n * DAY)]
        return [
            {
                "day": times.long_day(first + n * DAY),
                "stretches": [self.said(*one) for one in self.on(ranges, first + n * DAY)],
            }
            for n in range(count)
        ]

    def on(self, ranges: list[Range], day: date) -> list[Range]:
        """The parts of ranges that lie on a date of the instructor's own calendar."""
        start = datetime.combine(day, time(0), self.zone).astimezone(UTC)
        end = datetime.combine(day + DAY, time(0), self.zone).astimezone(UTC)
        return [(max(a, start), min(b, end)) for a, b in ranges if a < end and start < b]

    def said(self, starts: datetime, ends: datetime) -> str:
        if starts.astimezone(self.zone).time() == ends.astimezone(self.zone).time() == time(0):
            return f"all day ({(ends - starts) // timedelta(hours=1)} h)"
        return f"{times.span(starts, ends, self.zone)} ({times.within(ends - starts)})"
