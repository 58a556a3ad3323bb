"""An instructor's page, and choosing a time with them: price as you go, and nothing typed is lost."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from bookings import operations
from bookings.operations import Booked
from bookings.policy.pricing import Amounts, quote, refuse_below_floor
from catalog.models import InstructorProfile, Modality, Service
from catalog.queries import get_instructor
from common.actors import Role
from common.ids import new_id
from common.problems import NotFound, Problem
from pages.door import FormPage, Page, to
from pages.forms import PageForm, Text, Words
from pages.viewer import zone_for
from pages.words.problems import in_words

from .changing import shown_days
from .slots import Week, week_of

ICON_OF = {
    Modality.ONLINE: "screen",
    Modality.STUDENT_LOCATION: "home",
    Modality.INSTRUCTOR_LOCATION: "pin",
    Modality.NEUTRAL_LOCATION: "pin",
}


class InstructorPage(Page):
    """What students see of an instructor."""

    template = "pages/lessons/instructor.html"
    public = True

    def content(self, *, instructor_id: str) -> dict[str, Any]:
        profile = get_instructor(instructor_id)
        services = [offer_of(service) for service in profile.services.all()]
        return {
            "title": profile.user.public_name,
            "profile": profile,
            "person": profile.user,
            "services": services,
            "week": self.week(profile) if services else None,
        }

    def week(self, profile: InstructorProfile) -> Week:
        """The free times of the coming seven days, for the shortest lesson."""
        return week_of(
            profile,
            minutes=shortest(profile),
            location_type=profile.services.all()[0].modalities[0],
            zone=zone_for(self.request),
            now=self.now,
        )


def shortest(profile: InstructorProfile) -> int:
    """The shortest lesson on offer, in minutes."""
    return min((min(service.durations) for service in profile.services.all() if service.durations), default=60)


def offer_of(service: Service) -> dict[str, Any]:
    """A service and its ways, for a page."""
    ways = [(ICON_OF[Modality(place)], Modality(place).label) for place in service.modalities]
    return {"service": service, "ways": ways}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen so far: which lesson, how long, where; and its price, or why it has none."""

    service: Service
    minutes: int
    where: str
    price: Amounts | None
    why_not: str


class BookInput(PageForm):
    starts_at = forms.DateTimeField(
        input_formats=["%Y-%m-%dT%H:%M:%S%z"],
        error_messages={"required": "Choose a time first.", "invalid": "Choose one of the times below."},
    )
    address = Text(
        label="Where shall your instructor come to?",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    note = Words(
        label="Anything your instructor should know?",
        max_length=1000,
        required=False,
        help_text="What you want to learn, how far you are, a song you love.",
    )
    key = Text(max_length=40, widget=forms.HiddenInput)


class ChooseTime(FormPage):
    """Which lesson, how long, where, when; then on to the checkout."""

    template, title, form = "pages/lessons/choose_time.html", "Choose a time", BookInput
    public = True

    def post(self, request: HttpRequest, **path: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.ask_to_sign_in()
        self.roles = (Role.STUDENT,)  # type: ignore[misc]  # everybody may look, students may book
        self.refuse_others()
        return super().post(request, **path)

    def content(self, *, instructor_id: str) -> dict[str, Any]:
        choice = self.choice
        profile = self.profile
        return {
            "profile": profile,
            "person": profile.user,
            "services": [offer_of(service) for service in profile.services.all()],
            "choice": choice,
            "ways": [(place, Modality(place).label) for place in choice.service.modalities],
            "needs_address": choice.where != Modality.ONLINE,
            "week": week_of(
                profile,
                minutes=choice.minutes,
                location_type=choice.where,
                zone=zone_for(self.request),
                now=self.now,
                **shown_days(self.typed, zone_for(self.request), self.now),
                student=self.user if self.request.user.is_authenticated else None,
            ),
            "chosen": f"service={choice.service.pk}&minutes={choice.minutes}&where={choice.where}",
        }

    @cached_property
    def profile(self) -> InstructorProfile:
        return get_instructor(self.kwargs["instructor_id"])

    @cached_property
    def choice(self) -> Choice:
        """What the address says; where it says nothing sensible, the first that is offered."""
        query = self.request.GET
        services = list(self.profile.services.all())
        if not services:
            raise NotFound("Nothing is offered here at the moment.")
        service = next((one for one in services if one.pk == query.get("service")), services[0])
        lengths = sorted(service.durations)
        usual = 60 if 60 in lengths else lengths[0]
        minutes = next((length for length in lengths if str(length) == query.get("minutes")), usual)
        where = query.get("where") if query.get("where") in service.modalities else service.modalities[0]
        price = quote(
            hourly_rate_cents=service.hourly_rate_cents, minutes=minutes, commission_bps=self.profile.commission_bps
        )
        try:
            refuse_below_floor(
                lesson_price_cents=price.lesson_price_cents, minutes=minutes, online=where == Modality.ONLINE
            )
        except Problem as problem:
            return Choice(service, minutes, str(where), None, in_words(problem))
        return Choice(service, minutes, str(where), price, "")

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        return {"key": new_id()}

    def operate(self, *, instructor_id: str, starts_at: datetime, address: str, note: str, key: str) -> Booked:
        choice = self.choice
        return operations.book_lesson(
            actor=self.actor,
            service_id=choice.service.pk,
            starts_at=starts_at,
            duration_minutes=choice.minutes,
            location_type=choice.where,
            address=address,
            note=note,
            now=self.now,
            request_key=f"page:{key}",
        )

    def done_url(self, result: Booked) -> str:
        return to("checkout", booking_id=result.booking.pk)
