# factory-boy declares no types for its declarations.
# mypy: allow-untyped-calls, allow-untyped-decorators
"""People, services and credits for tests, with as little to say as possible."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import transaction
from factory.declarations import LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from accounts.models import User
from catalog.models import InstructorProfile, Modality, Service, WeeklyHours
from common.actors import Role
from common.ids import new_id
from credits import operations
from credits.models import CreditLot

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


class UserFactory(DjangoModelFactory[User]):
    """A student with an account; `password="…"` lets them log in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = Sequence(lambda n: f"person{n}@example.com")
    first_name = "Sam"
    last_name = "Student"
    role = Role.STUDENT
    timezone = "America/New_York"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(*args, **kwargs)


class InstructorFactory(DjangoModelFactory[InstructorProfile]):
    """An instructor who can be booked at any hour of any day, also when asked overnight; `hours=[]` leaves the week empty."""

    class Meta:
        model = InstructorProfile
        skip_postgeneration_save = True

    user = SubFactory(UserFactory, first_name="Ina", last_name="Instructor", role=Role.INSTRUCTOR)
    overnight_protection = False

    @post_generation
    def hours(self: InstructorProfile, create: bool, stretches: list[tuple[int, time, time]] | None) -> None:
        """Weekly hours as (weekday, starts, ends)."""
        whole_week = [(weekday, time(0), time(0)) for weekday in range(7)]
        WeeklyHours.objects.bulk_create(
            WeeklyHours(instructor=self, weekday=weekday, starts=starts, ends=ends)
            for weekday, starts, ends in (whole_week if stretches is None else stretches)
        )


class ServiceFactory(DjangoModelFactory[Service]):
    """Piano at $120 an hour, for 30 to 90 minutes, anywhere."""

    class Meta:
        model = Service

    instructor = SubFactory(InstructorFactory)
    name = "Piano"
    hourly_rate_cents = 12_000
    durations = LazyFunction(lambda: [30, 45, 60, 90])
    modalities = LazyFunction(lambda: list(Modality.values))


def give_credit(owner: User, cents: int, *, now: datetime = NOON, days: int = 365, **issue: Any) -> CreditLot:
    """Credit of so many cents that expires in so many days, issued by its operation. Goodwill unless told."""
    defaults: dict[str, Any] = {"source": CreditLot.Source.GOODWILL, "issue_key": f"test:{new_id()}"}
    with transaction.atomic():
        return operations.issue(
            owner_id=owner.pk, amount_cents=cents, now=now, expires_at=now + timedelta(days=days), **(defaults | issue)
        ).lot
