"""Invariant 9: no two lessons that hold their slot overlap, for an instructor or a student."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from bookings.models import Booking

from .scope import Scope, Violation


def i09_no_overlap(scope: Scope) -> Iterator[Violation]:
    """Two bookings of one payment are one lesson being moved and may overlap. Of a pair, the older one is named."""
    for person in ("instructor", "student"):
        others = (
            Booking.objects.filter(holds_slot=True, **{person: OuterRef(person)})
            .filter(starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"))
            .exclude(payment=OuterRef("payment"))
            .exclude(pk=OuterRef("pk"))
        )
        if scope.payment_id is None:
            others = others.filter(pk__gt=OuterRef("pk"))
        bookings = scope.bookings().filter(Exists(others), holds_slot=True)
        for booking_id in scope.each(bookings.order_by("pk").values_list("pk", flat=True)):
            yield Violation(9, f"booking {booking_id}", f"overlaps another lesson of its {person}")
