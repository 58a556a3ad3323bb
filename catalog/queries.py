"""Lists of instructors and their services, each in a constant number of queries."""

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from common.problems import NotFound

from .models import InstructorProfile, Service


def listed_instructors(*, modality: str = "", at_most_cents: int | None = None) -> QuerySet[InstructorProfile]:
    """Instructors students may find: listed, with an active account and something on offer. Newest first.

    `modality` and `at_most_cents` (per hour) narrow what they offer. `services` then holds only what is on offer and
    matches, cheapest first. Two queries, whatever the length.
    """
    offered = Service.objects.filter(is_active=True).order_by("hourly_rate_cents", "name", "id")
    if modality:
        offered = offered.filter(modalities__contains=[modality])
    if at_most_cents is not None:
        offered = offered.filter(hourly_rate_cents__lte=at_most_cents)
    return (
        InstructorProfile.objects.filter(is_listed=True, user__is_active=True)
        .filter(Exists(offered.filter(instructor=OuterRef("pk"))))
        .select_related("user")
        .prefetch_related(Prefetch("services", offered))
        .order_by("-created_at", "pk")
    )


def get_instructor(instructor_id: str) -> InstructorProfile:
    """One instructor as students see them, with the active services. Raises NotFound. Two queries."""
    offered = Service.objects.filter(is_active=True).order_by("hourly_rate_cents", "name", "id")
    profiles = InstructorProfile.objects.filter(user__is_active=True).select_related("user")
    profile = profiles.prefetch_related(Prefetch("services", offered)).filter(pk=instructor_id).first()
    if profile is None:
        raise NotFound("There is no such instructor.")
    return profile


def get_listed_instructor(instructor_id: str) -> InstructorProfile:
    """One instructor whom students may find, with what is on offer. Raises NotFound. Two queries."""
    profile = listed_instructors().filter(pk=instructor_id).first()
    if profile is None:
        raise NotFound("There is no such instructor.")
    return profile


def get_service(service_id: str) -> Service:
    """One service with its instructor and their account, active or not. Raises NotFound. One query."""
    found = Service.objects.select_related("instructor__user").filter(pk=service_id).first()
    if found is None:
        raise NotFound("There is no such service.")
    return found
