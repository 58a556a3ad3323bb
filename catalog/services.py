"""What an instructor offers: whether a lesson can be had as asked for, and how profiles and services come to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User
from common.problems import Invalid, Refused

from .models import InstructorProfile, Modality, Service

ADDRESS_MAX = 300
SHORTEST_MINUTES, LONGEST_MINUTES = 15, 720
LOWEST_RATE_CENTS, HIGHEST_RATE_CENTS = 100, 1_000_000


class ServiceInactive(Refused):
    code, title = "service_inactive", "This lesson is no longer offered"
    remedy = "Choose another service."


class DurationNotOffered(Refused):
    """`durations` says which lengths, in minutes, are offered."""

    code, title = "duration_not_offered", "This length is not offered"
    remedy = "Choose one of the service's lengths."


class ModalityNotOffered(Refused):
    """`modalities` says which are offered."""

    code, title = "modality_not_offered", "This kind of place is not offered"
    remedy = "Choose one of the service's kinds of place."


class NotAnInstructor(Refused):
    code, title = "not_an_instructor", "Only instructors have a profile"
    remedy = "Log in as an instructor."


@dataclass(frozen=True, slots=True)
class Floor:
    """The price floor that a service meets or not, for one modality, in cents per 60 minutes (policy 1)."""

    modality: Modality
    floor_cents: int
    is_met: bool


def check_offered(*, service: Service, duration_minutes: int, modality: str, address: str = "") -> str:
    """Whether a lesson can be had like this. Returns the address to keep: trimmed, empty for an online lesson.

    Raises ServiceInactive, DurationNotOffered, ModalityNotOffered, or Invalid (field `address`) for an address that is
    missing or too long. Reads the service's instructor and their account: load them with it.
    """
    if not (service.is_active and service.instructor.user.is_active):
        raise ServiceInactive(f"{service.name} is no longer offered.")
    if duration_minutes not in service.durations:
        offered = ", ".join(str(minutes) for minutes in sorted(service.durations))
        raise DurationNotOffered(f"{service.name} is offered for {offered} minutes.", durations=service.durations)
    if modality not in service.modalities:
        offered = ", ".join(Modality(place).label.lower() for place in service.modalities)
        raise ModalityNotOffered(f"{service.name} is offered {offered}.", modalities=service.modalities)
    return _address(address, modality)


def create_profile(*, user: User, bio: str = "", minimum_notice_minutes: int = 60) -> InstructorProfile:
    """The instructor profile of a person, made when there is none yet. Raises NotAnInstructor for anybody else."""
    if not user.is_instructor:
        raise NotAnInstructor()
    profile, _ = InstructorProfile.objects.get_or_create(
        user=user, defaults={"bio": bio, "minimum_notice_minutes": minimum_notice_minutes}
    )
    return profile


def change_profile(
    *, user: User, bio: str | None = None, place: tuple[float, float] | None = None, forget_place: bool = False
) -> InstructorProfile:
    """What an instructor says about themselves. None leaves it as it is.

    `place` is where lessons are given, in degrees; only a hundredth of a degree is kept, about a kilometre. Raises
    NotAnInstructor for somebody without a profile, and Invalid for a place that is not on the globe.
    """
    profile = InstructorProfile.objects.select_related("user").filter(user=user).first()
    if profile is None:
        raise NotAnInstructor()
    if bio is not None:
        profile.bio = bio.strip()
    if place is not None:
        latitude, longitude = place
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise Invalid("There is no such place.", errors={"latitude": ["From -90 to 90; longitude -180 to 180."]})
        profile.latitude, profile.longitude = (Decimal(str(round(one, 2))) for one in place)
    elif forget_place:
        profile.latitude = profile.longitude = None
    profile.save(update_fields=["bio", "latitude", "longitude"])
    return profile


def create_service(
    *,
    instructor: InstructorProfile,
    name: str,
    hourly_rate_cents: int,
    durations: Sequence[int],
    modalities: Sequence[str],
    description: str = "",
) -> Service:
    """Offer a lesson at an hourly rate in cents, for some lengths in minutes. Raises Invalid with errors by field.

    A rate below the price floor is allowed and shown by `floors_of`: what is refused is the quote (policy 1).
    """
    refuse_wrong_service(name, hourly_rate_cents, durations, modalities)
    return Service.objects.create(
        instructor=instructor,
        name=name.strip(),
        description=description.strip(),
        hourly_rate_cents=hourly_rate_cents,
        durations=sorted(set(durations)),
        modalities=[place for place in Modality if place in modalities],
    )


def refuse_wrong_service(
    name: str, hourly_rate_cents: int, durations: Sequence[int], modalities: Sequence[str]
) -> None:
    """Raises Invalid, with errors by field, for a service that cannot be offered like this."""
    if errors := _service_errors(name, hourly_rate_cents, durations, modalities):
        raise Invalid("The service cannot be saved.", errors=errors)


def floors_of(
    *, hourly_rate_cents: int, modalities: Sequence[str], in_person_cents: int, online_cents: int
) -> list[Floor]:
    """The price floor of each modality beside a rate, all in cents per 60 minutes, to show while a price is typed.

    The floors themselves are written in the pricing policy, which refuses a quote below them; the caller hands them in.
    """
    cents: Mapping[bool, int] = {True: online_cents, False: in_person_cents}
    return [
        Floor(place, floor := cents[place == Modality.ONLINE], hourly_rate_cents >= floor)
        for place in Modality
        if place in modalities
    ]


def _address(address: str, modality: str) -> str:
    if modality == Modality.ONLINE:
        return ""
    if not address.strip():
        raise Invalid("Where is the lesson?", errors={"address": ["Give an address, unless the lesson is online."]})
    if len(address.strip()) > ADDRESS_MAX:
        raise Invalid("The address is too long.", errors={"address": [f"At most {ADDRESS_MAX} characters."]})
    return address.strip()


def _service_errors(
    name: str, hourly_rate_cents: int, durations: Sequence[int], modalities: Sequence[str]
) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not 1 <= len(name.strip()) <= 120:
        errors["name"] = ["From 1 to 120 characters."]
    if not LOWEST_RATE_CENTS <= hourly_rate_cents <= HIGHEST_RATE_CENTS:
        errors["hourly_rate_cents"] = [f"From {LOWEST_RATE_CENTS} to {HIGHEST_RATE_CENTS} cents an hour."]
    if not durations or any(not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES for minutes in durations):
        errors["durations"] = [f"At least one length, from {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes."]
    if not modalities or set(modalities) - set(Modality.values):
        errors["modalities"] = [f"At least one of {', '.join(Modality.values)}."]
    return errors
