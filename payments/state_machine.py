"""The life of a payment on one screen (policy 3). Transitions only move the status; what follows is in the operations."""

from django.db import models
from django_fsm import RETURN_VALUE, FSMField, transition

from common.fsm import GuardedModel

from .vocabulary import PaymentStatus, choices

S = PaymentStatus
THAWED = (S.SCHEDULED, S.AUTHORIZED, S.PAYMENT_METHOD_REQUIRED, S.LOCKED, S.SETTLED)


class PaymentMachine(GuardedModel):
    """The six statuses and the only ways between them."""

    status = FSMField(
        default=S.PAYMENT_METHOD_REQUIRED.value, choices=choices(PaymentStatus), max_length=24, protected=True
    )
    frozen_status = models.CharField(
        max_length=24, blank=True, choices=choices(PaymentStatus), help_text="What manual_review froze"
    )

    class Meta:
        abstract = True

    @transition(field=status, source=[S.PAYMENT_METHOD_REQUIRED, S.AUTHORIZED], target=S.SCHEDULED.value)
    def schedule(self) -> None:
        """Card saved, hold not yet due; also when a free reschedule releases a hold."""

    @transition(field=status, source=[S.SCHEDULED, S.PAYMENT_METHOD_REQUIRED], target=S.AUTHORIZED.value)
    def authorize(self) -> None:
        """The hold is on the card."""

    @transition(field=status, source=[S.SCHEDULED, S.AUTHORIZED], target=S.PAYMENT_METHOD_REQUIRED.value)
    def require_payment_method(self) -> None:
        """The student must act: a hold or a capture was declined."""

    @transition(field=status, source=S.AUTHORIZED, target=S.LOCKED.value)
    def lock(self) -> None:
        """Captured, the transfer reversed, the platform holds the money (policy 6)."""

    @transition(field=status, source=S.PAYMENT_METHOD_REQUIRED, target=S.LOCKED.value)
    def prepay(self) -> None:
        """A lesson of a package that is paid: the platform holds its money."""

    @transition(field=status, source=list(THAWED), target=S.MANUAL_REVIEW.value)
    def freeze(self) -> None:
        """Automation stops; a person decides."""
        self.frozen_status = self.status

    @transition(field=status, source=S.MANUAL_REVIEW, target=RETURN_VALUE(*[s.value for s in THAWED]))
    def thaw(self) -> str:
        """Back to the status that was frozen; automation resumes."""
        back, self.frozen_status = self.frozen_status, ""
        return back

    @transition(
        field=status,
        source=[S.SCHEDULED, S.AUTHORIZED, S.PAYMENT_METHOD_REQUIRED, S.LOCKED, S.MANUAL_REVIEW, S.SETTLED],
        target=S.SETTLED.value,
    )
    def settle(self) -> None:
        """The money is final."""
        self.frozen_status = ""
