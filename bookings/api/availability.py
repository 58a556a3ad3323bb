"""`instructors/{id}/availability`: the times at which a lesson can start."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.queries import lessons_between
from catalog import queries as catalog
from catalog.availability import free_slots
from catalog.local_time import zone_of

from . import inputs
from .base import BookingApi


class SlotsDocument(serializers.Serializer[Any]):
    """Free times, as instants; `timezone` is the instructor's."""

    timezone = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    slots = serializers.ListField(child=serializers.DateTimeField(), help_text="When a lesson of that length can start")


class FreeTimes(BookingApi):
    """When an instructor is free, on quarter hours, from one day to another of their own zone."""

    permission_classes = (AllowAny,)
    filters, answers = inputs.PeriodFilters, SlotsDocument
    operation_id = {"GET": "read_availability"}

    def get(self, request: Request, instructor_id: str) -> Response:
        query = self.query()
        instructor = catalog.get_instructor(instructor_id)
        zone = zone_of(instructor.user.timezone)
        since = datetime.combine(query["from"], time(0), zone).astimezone(UTC)
        until = datetime.combine(query["to"] + timedelta(days=1), time(0), zone).astimezone(UTC)
        busy = lessons_between(instructor.pk, since=since, until=until + timedelta(days=1))
        slots = free_slots(
            instructor=instructor,
            since=since,
            until=until,
            duration_minutes=query["duration_minutes"],
            busy=busy,
            now=self.now,
        )
        return Response(
            self.render({"timezone": zone.key, "duration_minutes": query["duration_minutes"], "slots": slots})
        )
