"""What an audit looks at: the whole platform, or one booking with everything that hangs on it."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from bookings.models import Booking
from payments.models import ConnectAccount, MoneyMovement, MoneyPlan, Payment


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant that does not hold: its number, what it is about, and how it is broken."""

    number: int
    subject: str
    message: str

    def __str__(self) -> str:
        return f"invariant {self.number}, {self.subject}: {self.message}"


@dataclass(slots=True)
class Scope:
    """The rows under audit, and how deep to look."""

    payment_id: str | None
    with_stripe: bool
    quiet: bool
    requests: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, booking_id: str | None, *, with_stripe: bool, quiet: bool, requests: list[dict[str, Any]]) -> "Scope":
        """Raises Booking.DoesNotExist for an unknown booking."""
        payment_id = Booking.objects.get(pk=booking_id).payment_id if booking_id else None
        return cls(payment_id, with_stripe, quiet, requests)

    def payments(self) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = Payment.objects.all()
        return rows.filter(pk=self.payment_id) if self.payment_id else rows

    def bookings(self) -> QuerySet[Booking]:
        rows: QuerySet[Booking] = Booking.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def movements(self) -> QuerySet[MoneyMovement]:
        rows = MoneyMovement.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def plans(self) -> QuerySet[MoneyPlan]:
        rows = MoneyPlan.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def connected_accounts(self) -> list[str]:
        """The Stripe accounts of the instructors concerned."""
        rows = ConnectAccount.objects.exclude(stripe_account_id=None)
        if self.payment_id:
            rows = rows.filter(instructor__earnings=self.payment_id)
        return [str(account) for account in rows.values_list("stripe_account_id", flat=True).iterator()]

    def customers(self) -> list[str]:
        """The Stripe customers of the students concerned."""
        from accounts.models import User

        rows = User.objects.exclude(stripe_customer_id="")
        if self.payment_id:
            rows = rows.filter(payments=self.payment_id)
        return list(rows.values_list("stripe_customer_id", flat=True).distinct().iterator())
