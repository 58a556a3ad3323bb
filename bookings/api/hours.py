"""`instructor/availability`: weekly hours, exceptions, blackout days and how one likes to be booked, as one document."""

from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import EARLIEST, LATEST, ZoneField
from accounts.preconditions import if_match, strong_etag
from catalog import hours as catalog
from catalog.hours import DateStretch, Hours, WeeklyStretch

from .base import BookingApi, IsInstructor


class ClockField(serializers.TimeField):
    """A time on the wall, to the minute."""

    default_error_messages = {"invalid": "Not a time such as 09:30.", "seconds": "Times are whole minutes."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%H:%M", input_formats=["%H:%M", "%H:%M:%S"], **kwargs)

    def to_internal_value(self, value: Any) -> Any:
        at = super().to_internal_value(value)
        if at.second:
            self.fail("seconds")
        return at


class DayField(serializers.DateField):
    """A date of our times."""

    default_error_messages = {"range": "The year is out of range."}

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not EARLIEST.date() <= day <= LATEST.date():
            self.fail("range")
        return day


class WeeklyDocument(serializers.Serializer[WeeklyStretch]):
    weekday = serializers.IntegerField(min_value=0, max_value=6, help_text="0 is Monday")
    starts = ClockField()
    ends = ClockField(help_text="00:00 is midnight at the end of the day")

    def validate(self, attrs: Any) -> Any:
        return WeeklyStretch(**attrs)


class ExceptionDocument(serializers.Serializer[DateStretch]):
    """Extra hours of a date, or hours of it that are closed; without times, the whole day."""

    date = DayField()
    starts = ClockField(allow_null=True, default=None)
    ends = ClockField(allow_null=True, default=None)
    is_available = serializers.BooleanField(help_text="True: extra hours. False: closed")

    def validate(self, attrs: Any) -> Any:
        return DateStretch(**attrs)


def _minutes(name: str, help_text: str) -> serializers.IntegerField:
    least, most = catalog.LIMITS[name]
    return serializers.IntegerField(min_value=least, max_value=most, default=least, help_text=help_text)


class HoursDocument(serializers.Serializer[Hours]):
    """All of it. What is left out when saving is as the platform has it; the zone stays."""

    timezone = ZoneField(required=False, help_text="Whose wall the times are on: the instructor's own zone")
    weekly_hours = WeeklyDocument(many=True)
    exceptions = ExceptionDocument(many=True, default=list)
    blackout_days = serializers.ListField(child=DayField(), default=list, help_text="Closed, whatever else is said")
    buffer_minutes = _minutes("buffer_minutes", "Between two lessons")
    travel_buffer_minutes = _minutes("travel_buffer_minutes", "Between two lessons, when you travel for one of them")
    minimum_notice_minutes = _minutes("minimum_notice_minutes", "How long before a lesson it must be booked")
    travel_notice_minutes = _minutes("travel_notice_minutes", "The same, when you travel to it")
    overnight_protection = serializers.BooleanField(
        default=True, help_text="What is asked for from 20:00 on does not start before 09:00, 11:00 when you travel"
    )


class Availability(BookingApi):
    """When the instructor teaches. PUT replaces all of it, and needs `If-Match` with the ETag of what was read."""

    permission_classes = (IsInstructor,)
    takes = answers = HoursDocument
    operation_id = {"GET": "read_my_availability", "PUT": "replace_my_availability"}

    def get(self, request: Request) -> Response:
        return self._answer(catalog.hours_of(self.user))

    def put(self, request: Request) -> Response:
        is_current = if_match(request)
        said: dict[str, Any] = {"timezone": self.user.timezone, **self.body()}
        lists = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
        hours = Hours(**{**said, **lists})
        return self._answer(catalog.replace_hours(instructor=self.user, hours=hours, is_current=is_current))

    def _answer(self, hours: Hours) -> Response:
        return Response(self.render(hours), headers={"ETag": strong_etag(hours.version)})
