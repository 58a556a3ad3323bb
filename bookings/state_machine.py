"""The life of a booking on one screen (policy 3)."""

from django.db import models
from django_fsm import FSMField, transition

from common.fsm import GuardedModel


class BookingStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    CONFIRMED = "CONFIRMED", "Confirmed"
    COMPLETED = "COMPLETED", "Completed"
    CANCELLED = "CANCELLED", "Cancelled"
    NO_SHOW = "NO_SHOW", "No-show"


B = BookingStatus


class BookingMachine(GuardedModel):
    """The five statuses and the only ways between them."""

    status = FSMField(default=B.PENDING.value, choices=BookingStatus.choices, max_length=12, protected=True)

    class Meta:
        abstract = True

    @transition(field=status, source=B.PENDING, target=B.CONFIRMED.value)
    def confirm(self) -> None:
        """The card is saved or held: the lesson stands."""

    @transition(field=status, source=B.CONFIRMED, target=B.COMPLETED.value)
    def complete(self) -> None:
        """The lesson took place."""

    @transition(field=status, source=[B.PENDING, B.CONFIRMED, B.COMPLETED], target=B.CANCELLED.value)
    def cancel(self) -> None:
        """It will not take place, or support undid it; the slot is free."""

    @transition(field=status, source=[B.CONFIRMED, B.COMPLETED], target=B.NO_SHOW.value)
    def mark_no_show(self) -> None:
        """Somebody did not come."""
