"""An instructor's day: what is next, what is to complete, how far the next tier is, the one thing to do."""

from typing import Any

from bookings.models import Booking
from bookings.queries import bookings_seen_by, completed, to_complete, upcoming
from bookings.state_machine import BookingStatus as B
from catalog.models import InstructorProfile
from catalog.tiers import PERIOD, lessons_to_next
from common.actors import Role
from pages.door import Page
from pages.lessons.reading import other_of
from pages.viewer import zone_for
from pages.words.statuses import standing

from .readiness import readiness_of

SHOWN = 5


class Dashboard(Page):
    """The first page of an instructor."""

    template, title = "pages/teach/dashboard.html", "Your day"
    roles = (Role.INSTRUCTOR,)

    def content(self, **path: Any) -> dict[str, Any]:
        mine = bookings_seen_by(self.user)
        ahead = upcoming(mine.filter(status=B.CONFIRMED), now=self.now).order_by("starts_at", "id")[:SHOWN]
        to_do = to_complete(mine, now=self.now).order_by("starts_at", "id")[:SHOWN]
        profile = InstructorProfile.objects.filter(pk=self.user.pk).first()
        recent = completed(Booking.objects.filter(instructor=self.user)).filter(completed_at__gt=self.now - PERIOD)
        taught = recent.count()
        return {
            "ahead": [self.row(booking) for booking in ahead],
            "to_complete": [self.row(booking) for booking in to_do],
            "readiness": readiness_of(self.user),
            "profile": profile,
            "taught": taught,
            "to_next": None if profile is None or profile.is_founding else lessons_to_next(completed_in_period=taught),
        }

    def row(self, booking: Booking) -> dict[str, Any]:
        role = self.user.role
        return {
            "booking": booking,
            "other": other_of(booking, role),
            "standing": standing(booking, role=role, now=self.now, zone=zone_for(self.request)),
        }
