"""Who called what: every request that may change something leaves a row, refused or not, by whichever door.

What was decided about money is in the history of bookings; this says who asked, from where, and what they were told. Rows
are never changed or deleted: a trigger refuses. Where money may move a row says that the work begins, before it does; one
that was begun and never answered is a crash.
"""

from typing import Any

import structlog
from django.db import DatabaseError, models

from common import clock
from common.ids import ULID_LENGTH, new_id

LONGEST = {"operation": 80, "object_id": 80, "actor_id": 40, "code": 60, "request_id": 40}
log = structlog.get_logger(__name__)


class AuditEntry(models.Model):
    """One request, run of a job, or the beginning of one."""

    class Phase(models.TextChoices):
        BEGUN = "begun", "Begun: money may move"
        ANSWERED = "answered"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    at = models.DateTimeField(help_text="In the machine's own time")
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.ANSWERED)
    door = models.CharField(max_length=10)
    operation = models.CharField(
        max_length=LONGEST["operation"], help_text="The operation id of the API, the page, the job"
    )
    object_id = models.CharField(max_length=LONGEST["object_id"], blank=True)
    actor_role = models.CharField(max_length=12, blank=True, help_text="Empty for nobody in particular")
    actor_id = models.CharField(max_length=LONGEST["actor_id"], blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP's; 0 of a job that failed")
    code = models.CharField(max_length=LONGEST["code"], blank=True, help_text="The problem's, when it was refused")
    request_id = models.CharField(max_length=LONGEST["request_id"], blank=True, help_text="The same in the logs")
    network = models.CharField(max_length=50, blank=True, help_text="Where from, without the last part of the address")

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_latest"),
            models.Index(fields=["actor_id", "-at"], name="audit_of_actor"),
            models.Index(fields=["object_id", "-at"], condition=~models.Q(object_id=""), name="audit_of_object"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.operation} {self.status or self.phase}"


def record(*, door: str, operation: str, **fields: Any) -> None:
    """Write one row. One that cannot be written is in the logs instead, in full: the answer is given already."""
    values = {"door": door, "operation": operation, **fields}
    for name, longest in LONGEST.items():
        values[name] = str(values.get(name, ""))[:longest]
    try:
        AuditEntry.objects.create(at=clock.system_now(), **values)
    except DatabaseError as error:
        log.error("audit_entry_lost", reason=type(error).__name__, entry=values)


def begin(*, door: str, operation: str, **fields: Any) -> None:
    """Write that work begins which may move money. Raises DatabaseError: what leaves no trace is not begun."""
    values = {name: str(value)[: LONGEST.get(name)] for name, value in fields.items()}
    AuditEntry.objects.create(
        at=clock.system_now(), door=door, operation=operation, phase=AuditEntry.Phase.BEGUN, **values
    )
