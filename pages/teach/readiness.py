"""What is still missing until an instructor can be booked, one thing at a time."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import User
from bookings.policy.pricing import PRICE_FLOOR_CENTS
from catalog.models import AvailabilityException, InstructorProfile, Service, WeeklyHours
from catalog.services import floors_of
from payments.models import ConnectAccount


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing of the list."""

    words: str
    why: str
    url: str
    button: str
    done: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole list; ready when all of it is done."""

    things: list[ToDo]

    @property
    def ready(self) -> bool:
        return all(thing.done for thing in self.things)

    @property
    def next(self) -> ToDo | None:
        return next((thing for thing in self.things if not thing.done), None)

    @property
    def done(self) -> int:
        return sum(thing.done for thing in self.things)


def readiness_of(user: User) -> Readiness:
    """The list of one instructor. Five queries."""
    profile = InstructorProfile.objects.filter(pk=user.pk).first()
    services = list(Service.objects.filter(instructor=user.pk, is_active=True))
    has_hours = WeeklyHours.objects.filter(instructor=user.pk).exists()
    opens = has_hours or AvailabilityException.objects.filter(instructor=user.pk, is_available=True).exists()
    account = ConnectAccount.objects.filter(instructor=user).first()
    asked = bool(account and account.requirements_due)
    return Readiness(
        [
            ToDo(
                "Say who you are",
                "A few sentences about you and how you teach. Students read them first.",
                reverse("teach_profile"),
                "Write about yourself",
                bool(profile and profile.bio.strip()),
            ),
            ToDo(
                "Offer a lesson",
                "What you teach, for how long, where, and at what price.",
                reverse("teach_profile"),
                "Add a lesson",
                any(is_bookable(service) for service in services),
            ),
            ToDo(
                "Say when you teach",
                "Your week. Students book only what is free.",
                reverse("availability"),
                "Set your week",
                opens,
            ),
            ToDo(
                "Get paid",
                "Stripe still asks for something."
                if asked
                else "Stripe checks who you are and pays you out to your bank.",
                reverse("get_paid"),
                "Go on at Stripe" if asked else "Set up payouts",
                bool(account and account.charges_enabled and account.payouts_enabled),
            ),
        ]
    )


def is_bookable(service: Service) -> bool:
    """Whether at least one way of having this lesson meets the price floor."""
    floors = floors_of(
        hourly_rate_cents=service.hourly_rate_cents,
        modalities=service.modalities,
        in_person_cents=PRICE_FLOOR_CENTS["in_person"],
        online_cents=PRICE_FLOOR_CENTS["online"],
    )
    return any(floor.is_met for floor in floors)
