"""Instructors change what they say about themselves and what they offer. Lessons already booked keep what was agreed."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import User
from common.problems import NotFound

from .models import InstructorProfile, Modality, Service
from .services import create_profile, create_service, refuse_wrong_service


def change_profile(*, user: User, bio: str, is_listed: bool) -> InstructorProfile:
    """What students read about an instructor, and whether they are found. Raises NotAnInstructor."""
    profile = create_profile(user=user)
    profile.bio, profile.is_listed = bio.strip(), is_listed
    profile.save(update_fields=["bio", "is_listed"])
    return profile


def own_service(*, user: User, service_id: str) -> Service:
    """One of an instructor's services, offered or not. Raises NotFound."""
    service = Service.objects.filter(pk=service_id, instructor=user.pk).first()
    if service is None:
        raise NotFound("There is no such service.")
    return service


def save_service(
    *,
    user: User,
    service_id: str | None,
    name: str,
    description: str,
    hourly_rate_cents: int,
    durations: Sequence[int],
    modalities: Sequence[str],
    is_active: bool = True,
) -> Service:
    """Offer a new service, or change one. Raises Invalid with errors by field, NotFound, NotAnInstructor."""
    if service_id is None:
        return create_service(
            instructor=create_profile(user=user),
            name=name,
            description=description,
            hourly_rate_cents=hourly_rate_cents,
            durations=durations,
            modalities=modalities,
        )
    refuse_wrong_service(name, hourly_rate_cents, durations, modalities)
    with transaction.atomic():
        own_service(user=user, service_id=service_id)
        service = Service.objects.select_for_update().get(pk=service_id)
        service.name, service.description, service.is_active = name.strip(), description.strip(), is_active
        service.hourly_rate_cents, service.durations = hourly_rate_cents, sorted(set(durations))
        service.modalities = [place for place in Modality if place in modalities]
        service.save()
    return service
