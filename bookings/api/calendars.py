"""Lessons for calendar programs: one lesson as a file, and somebody's private address with all of theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.conditional import unless_known
from bookings import calendars
from bookings.models import CalendarFeed
from bookings.queries import booking_seen_by

from .base import BookingApi

ICS = "text/calendar"


class FeedDocument(serializers.Serializer[Any]):
    """Whether there is a private address. The address itself is shown once, when it is made."""

    is_open = serializers.BooleanField()
    created_at = serializers.DateTimeField(allow_null=True)


class NewFeedDocument(serializers.Serializer[Any]):
    """Whoever has the address can read the calendar. It is not shown again."""

    url = serializers.CharField()
    token = serializers.CharField()
    created_at = serializers.DateTimeField()


@dataclass(frozen=True, slots=True)
class NewFeed:
    token: str
    created_at: datetime

    @property
    def url(self) -> str:
        return f"{settings.SITE_URL}/api/v1/calendar/{self.token}.ics"


class MyFeed(BookingApi):
    """Whether the caller has a private calendar address; POST makes a new one, shown this once; an earlier one ends."""

    shows, answers, answer_status = FeedDocument, NewFeedDocument, 201
    keeps_answers = False  # the address is a secret
    operation_id = {"GET": "read_calendar_feed", "POST": "open_calendar_feed", "DELETE": "close_calendar_feed"}

    def get(self, request: Request) -> Response:
        feed = CalendarFeed.objects.filter(user=self.user).first()
        return Response(self.render({"is_open": bool(feed), "created_at": feed and feed.created_at}, FeedDocument))

    def post(self, request: Request) -> Response:
        made = NewFeed(calendars.open_feed(user=self.user, now=self.now), self.now)
        return Response(self.render(made), status=self.answer_status, headers={"Cache-Control": "no-store"})

    def delete(self, request: Request) -> Response:
        calendars.close_feed(user=self.user)
        return Response(status=204)


class LessonCalendar(BookingApi):
    """One lesson for a calendar, as it stands now, also when it was moved since."""

    files = (ICS,)
    operation_id = {"GET": "read_lesson_calendar"}

    def get(self, request: Request, booking_id: str) -> HttpResponse:
        lesson = calendars.lesson_as_it_stands(booking_seen_by(self.user, booking_id))
        return _file(request, calendars.calendar_of([lesson], reader=self.user), f"lesson-{lesson.pk}")


class Feed(BookingApi):
    """Somebody's lessons for their calendar program: whoever has the address may read it. 404 once it was closed."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    files = (ICS,)
    operation_id = {"GET": "read_calendar"}

    def get(self, request: Request, token: str) -> HttpResponse:
        reader = calendars.reader_of(token)
        lessons = calendars.lessons_of(reader, now=self.now)
        return _file(request, calendars.calendar_of(lessons, reader=reader), "instainstru")


def _file(request: Request, content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(
        content,
        content_type=f"{ICS}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.ics"'},
    )
    return unless_known(request, answer)
