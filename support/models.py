"""What the desk itself remembers: notes of staff, and what staff asked for, with who agreed and what came of it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from common.ids import ULID_LENGTH, new_id


class Note(models.Model):
    """What somebody of staff wrote down about a booking or a person. Append-only."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    booking = models.ForeignKey("bookings.Booking", models.PROTECT, null=True, blank=True, related_name="notes")
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="notes_about")
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="notes_written")
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(booking__isnull=False, person__isnull=True) | Q(booking__isnull=True, person__isnull=False),
                name="note_is_about_one_thing",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["booking", "at"], name="notes_of_booking"),
            models.Index(fields=["person", "at"], name="notes_of_person"),
        ]

    def __str__(self) -> str:
        return f"note {self.id}"


class DeskAction(models.Model):
    """Something staff asked for at the desk, once: who, why, what it was shown to do, who agreed, what came of it.

    `waiting` for a second person; `agreed` and not yet carried out (a job does it when the asking process died);
    `done`; `refused` by the rules when it was tried; `declined` by the second person.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for a second person"
        AGREED = "agreed", "To be carried out"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused by the rules"
        DECLINED = "declined", "Declined"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    action = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64, db_index=True, help_text="Of what: a booking, person, hold, lot, …")
    booking_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    person_id = models.CharField(max_length=ULID_LENGTH, blank=True, db_index=True)
    inputs = models.JSONField(default=dict)
    effect = models.JSONField(default=list, help_text="What it was shown to do: party, what, before, after")
    reason = models.CharField(max_length=300)
    money_cents = models.PositiveIntegerField(default=0, help_text="How much it moves at most")
    needs_second = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.AGREED)
    asked_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="desk_actions")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="agreed_actions"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(help_text="By the machine's own clock")

    class Meta:
        permissions = [
            ("work_desk", "Can work at the desk: claim, note, send mails and events again"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(needs_second=False)
                | ~Q(state__in=["agreed", "done", "refused"])
                | ~Q(decided_by=F("asked_by")),
                name="second_person_is_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(needs_second=False)
                | ~Q(state__in=["agreed", "done", "refused"])
                | Q(decided_by__isnull=False),
                name="large_action_has_a_second_person",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], condition=Q(state__in=["waiting", "agreed"]), name="desk_actions_open"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_id}"
