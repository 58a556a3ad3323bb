"""`instructors/{id}/availability`: the times at which a lesson can start; and whether it can start at one of them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import UlidField
from bookings.operations.book import starting
from bookings.queries import lessons_around, lessons_between
from catalog import queries as catalog
from catalog.availability import check_bookable_time, free_slots
from catalog.booking_rules import BookingConflict
from catalog.local_time import zone_of
from catalog.models import InstructorProfile, Modality, Service
from catalog.services import check_offered
from common.problems import NotFound, Problem

from . import inputs
from .base import BookingApi

DEFAULT_MINUTES = 60


class SlotFilters(inputs.PeriodFilters):
    """With `service_id`, the length and the place must be offered; left out, they are the first that are."""

    duration_minutes = serializers.IntegerField(
        min_value=1, max_value=inputs.LONGEST_LESSON_MINUTES, required=False, help_text="60 when left out"
    )
    location_type = serializers.ChoiceField(Modality.choices, required=False, help_text="online when left out")
    service_id = UlidField(required=False)


class SlotsDocument(serializers.Serializer[Any]):
    """Free times, as instants; `timezone` is the instructor's."""

    timezone = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    location_type = serializers.CharField()
    slots = serializers.ListField(child=serializers.DateTimeField(), help_text="When such a lesson can start")


class CheckInput(inputs.LessonInput):
    location_type = serializers.ChoiceField(
        Modality.choices, required=False, help_text="The first that is offered when left out"
    )


class AvailabilityAnswer(serializers.Serializer[Any]):
    available = serializers.BooleanField()
    starts_at = serializers.DateTimeField(help_text="The instant that was asked for, UTC")
    ends_at = serializers.DateTimeField()
    code = serializers.CharField(allow_null=True, help_text="Why not, as booking it would say")
    detail = serializers.CharField(allow_null=True)


class FreeTimes(BookingApi):
    """When an instructor is free, on quarter hours, from one day to another of their own zone. These can be booked now."""

    permission_classes = (AllowAny,)
    filters, answers = SlotFilters, SlotsDocument
    operation_id = {"GET": "read_availability"}

    def get(self, request: Request, instructor_id: str) -> Response:
        query = self.query()
        instructor = catalog.get_instructor(instructor_id)
        minutes, place = _wanted(instructor, **{name: query.get(name) for name in LESSON})
        zone = zone_of(instructor.user.timezone)
        since = datetime.combine(query["from"], time(0), zone).astimezone(UTC)
        until = datetime.combine(query["to"] + timedelta(days=1), time(0), zone).astimezone(UTC)
        slots = free_slots(
            instructor=instructor,
            location_type=place,
            since=since,
            until=until,
            duration_minutes=minutes,
            lessons=lessons_around(instructor.pk, since=since, until=until),
            now=self.now,
        )
        return Response(
            self.render({"timezone": zone.key, "duration_minutes": minutes, "location_type": place, "slots": slots})
        )


class CheckAvailability(BookingApi):
    """Whether a lesson could be booked then. Only booking it makes sure."""

    takes, answers = CheckInput, AvailabilityAnswer
    operation_id = {"POST": "check_availability"}

    def post(self, request: Request) -> Response:
        body = self.body()
        service = catalog.get_service(body.pop("service_id"))
        place = body.pop("location_type", None) or _first_place(service)
        length = timedelta(minutes=body.pop("duration_minutes"))
        starts_at = starting(service, **body)
        refusal = self._refusal(service, place, starts_at, starts_at + length)
        return Response(
            self.render(
                {
                    "available": refusal is None,
                    "starts_at": starts_at,
                    "ends_at": starts_at + length,
                    "code": refusal and refusal.code,
                    "detail": refusal and refusal.detail,
                }
            )
        )

    def _refusal(self, service: Service, place: str, starts_at: datetime, ends_at: datetime) -> Problem | None:
        try:
            check_offered(
                service=service,
                duration_minutes=(ends_at - starts_at) // timedelta(minutes=1),
                modality=place,
                address="to be given",
            )
            check_bookable_time(
                instructor=service.instructor,
                location_type=place,
                starts_at=starts_at,
                ends_at=ends_at,
                lessons=lessons_around(service.instructor_id, since=starts_at, until=ends_at),
                now=self.now,
            )
        except Problem as refused:
            return refused
        if lessons_between(self.user.pk, since=starts_at, until=ends_at):
            return BookingConflict("You have another lesson then.")
        return None


LESSON = ("duration_minutes", "location_type", "service_id")


def _wanted(
    instructor: InstructorProfile, *, duration_minutes: int | None, location_type: str | None, service_id: str | None
) -> tuple[int, str]:
    """Length in minutes and place. Raises NotFound for somebody else's service, and what it does not offer."""
    if service_id is None:
        return duration_minutes or DEFAULT_MINUTES, location_type or Modality.ONLINE
    service = next((each for each in instructor.services.all() if each.pk == service_id), None)
    if service is None:
        raise NotFound("There is no such service.")
    service.instructor = instructor
    minutes, place = duration_minutes or min(service.durations), location_type or _first_place(service)
    check_offered(service=service, duration_minutes=minutes, modality=place, address="to be given")
    return minutes, place


def _first_place(service: Service) -> str:
    return next((place for place in Modality.values if place in service.modalities), Modality.ONLINE)
