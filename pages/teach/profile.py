"""What students read about an instructor, what is offered, and the price floor while a price is typed."""

from decimal import Decimal
from typing import Any

from django import forms

from bookings.policy.pricing import PRICE_FLOOR_CENTS
from catalog.editing import change_profile, own_service, save_service
from catalog.models import InstructorProfile, Modality, Service
from catalog.services import Floor, floors_of
from catalog.tiers import TIERS
from common.actors import Role
from pages.door import FormPage, to
from pages.forms import PageForm, Text, Words

LENGTHS = (30, 45, 60, 75, 90, 120)


class ProfileInput(PageForm):
    bio = Words(
        label="About you",
        rows=7,
        max_length=4000,
        required=False,
        help_text="What you teach, for whom, and what a first lesson is like.",
    )
    is_listed = forms.BooleanField(label="Students can find me", required=False)


class Profile(FormPage):
    """What students read, and the list of what is offered."""

    template, title, form = "pages/teach/profile.html", "Profile and lessons", ProfileInput
    roles = (Role.INSTRUCTOR,)
    done_words = "Saved."

    def content(self, **path: Any) -> dict[str, Any]:
        profile = InstructorProfile.objects.filter(pk=self.user.pk).first()
        services = Service.objects.filter(instructor=self.user.pk).order_by("-is_active", "name", "id")
        return {
            "profile": profile,
            "services": [{"service": service, "floors": floors(service)} for service in services],
            "tiers": TIERS,
        }

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        profile = content["profile"]
        return {"bio": profile.bio, "is_listed": profile.is_listed} if profile else {"is_listed": True}

    def operate(self, *, bio: str, is_listed: bool) -> InstructorProfile:
        return change_profile(user=self.user, bio=bio, is_listed=is_listed)

    def done_url(self, result: object) -> str:
        return to("teach_profile")


class ServiceInput(PageForm):
    name = Text(label="What you teach", max_length=120, help_text="Such as Piano, or Spanish for travellers.")
    description = Words(label="A few words about it", max_length=2000, required=False)
    hourly_rate = forms.DecimalField(
        label="Price an hour, in dollars", min_value=Decimal(1), max_value=Decimal(10_000), decimal_places=2
    )
    durations = forms.TypedMultipleChoiceField(
        label="How long a lesson may be",
        coerce=int,
        choices=[(minutes, f"{minutes} minutes") for minutes in LENGTHS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one length."},
    )
    modalities = forms.MultipleChoiceField(
        label="Where",
        choices=Modality.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one place."},
    )
    is_active = forms.BooleanField(label="Offered now", required=False, initial=True)


class ServiceForm(FormPage):
    """Offer a lesson, or change one."""

    template, form = "pages/teach/service.html", ServiceInput
    roles = (Role.INSTRUCTOR,)
    done_words = "Saved. Lessons already booked keep their price."

    def content(self, *, service_id: str | None = None) -> dict[str, Any]:
        service = own_service(user=self.user, service_id=service_id) if service_id else None
        return {
            "title": service.name if service else "Offer a lesson",
            "service": service,
            "floor_in_person": PRICE_FLOOR_CENTS["in_person"],
            "floor_online": PRICE_FLOOR_CENTS["online"],
        }

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        service: Service | None = content["service"]
        if service is None:
            return {"durations": [60], "modalities": [Modality.ONLINE], "is_active": True}
        fields = ("name", "description", "durations", "modalities", "is_active")
        return {
            **{name: getattr(service, name) for name in fields},
            "hourly_rate": f"{service.hourly_rate_cents / 100:.2f}",
        }

    def operate(self, *, service_id: str | None = None, hourly_rate: Decimal, **said: Any) -> Service:
        return save_service(user=self.user, service_id=service_id, hourly_rate_cents=int(hourly_rate * 100), **said)

    def done_url(self, result: object) -> str:
        return to("teach_profile")


def floors(service: Service) -> list[Floor]:
    """The price floor of each way to have this lesson, beside its price."""
    return floors_of(
        hourly_rate_cents=service.hourly_rate_cents,
        modalities=service.modalities,
        in_person_cents=PRICE_FLOOR_CENTS["in_person"],
        online_cents=PRICE_FLOOR_CENTS["online"],
    )
