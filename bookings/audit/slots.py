"""Invariant 9: no two lessons that hold their slot overlap, for an instructor or a student."""

from collections.abc import Iterator

from django.db.models import F

from bookings.models import Booking

from .scope import Scope, Violation


def i09_no_overlap(scope: Scope) -> Iterator[Violation]:
    """Two bookings of one payment are one lesson being moved and may overlap."""
    for person in ("instructor", "student"):
        pairs = (
            Booking.objects.filter(holds_slot=True, **{f"{person}__{_related(person)}__holds_slot": True})
            .filter(
                **{
                    f"{person}__{_related(person)}__starts_at__lt": F("ends_at"),
                    f"{person}__{_related(person)}__ends_at__gt": F("starts_at"),
                    f"{person}__{_related(person)}__pk__gt": F("pk"),
                }
            )
            .exclude(**{f"{person}__{_related(person)}__payment": F("payment")})
        )
        if scope.payment_id:
            pairs = pairs.filter(payment_id=scope.payment_id)
        for booking in pairs.values_list("pk", flat=True):
            yield Violation(9, f"booking {booking}", f"overlaps another lesson of its {person}")


def _related(person: str) -> str:
    return "lessons" if person == "instructor" else "bookings"
