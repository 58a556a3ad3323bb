"""Keep an instructor, and let them go. Doing either twice is harmless."""

from datetime import datetime

from catalog.queries import get_listed_instructor
from common.actors import Actor
from community.models import Favorite


def keep_favorite(*, actor: Actor, instructor_id: str, now: datetime) -> Favorite:
    """Remember an instructor for a student. Raises NotFound for one that students cannot find."""
    instructor = get_listed_instructor(instructor_id)
    favorite, _ = Favorite.objects.get_or_create(
        student_id=actor.id, instructor=instructor, defaults={"created_at": now}
    )
    return favorite


def drop_favorite(*, actor: Actor, instructor_id: str) -> None:
    """Forget an instructor; also one that was never kept."""
    Favorite.objects.filter(student_id=actor.id, instructor_id=instructor_id).delete()
