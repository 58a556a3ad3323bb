"""What an audit looks at: the whole platform, or one booking with everything that hangs on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from bookings.models import Booking, BookingEvent
from payments.ledger import connected
from payments.models import ConnectAccount, LedgerLine, MoneyMovement, MoneyPlan, Payment

CHUNK = 1000  # rows in memory at once
Row = TypeVar("Row")


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

    def each(self, rows: "QuerySet[Any, Row]") -> Iterable[Row]:
        """The rows, in bounded memory; those of one booking are few, and fetched at once."""
        return rows if self.payment_id else rows.iterator(CHUNK)

    def payments(self) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = Payment.objects.all()
        return rows.filter(pk=self.payment_id) if self.payment_id else rows

    def payments_with_held(self) -> QuerySet[Payment]:
        """Payments with `held`: the cents that connected accounts hold from each, by the ledger. Tips would be apart."""
        lines = LedgerLine.objects.filter(account__startswith=connected("acct_"), entry__payment_id=OuterRef("pk"))
        lines = lines.exclude(entry__kind="tip").order_by()
        total = lines.values("entry__payment_id").annotate(total=Sum("amount_cents")).values("total")
        return self.payments().annotate(held=Coalesce(Subquery(total), 0))

    def bookings(self) -> QuerySet[Booking]:
        rows: QuerySet[Booking] = Booking.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def events(self) -> QuerySet[BookingEvent]:
        rows = BookingEvent.objects.all()
        return rows.filter(booking__payment_id=self.payment_id) if self.payment_id else rows

    def movements(self) -> QuerySet[MoneyMovement]:
        rows = MoneyMovement.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def movements_done(self) -> QuerySet[MoneyMovement]:
        """What Stripe has confirmed."""
        return self.movements().filter(status=MoneyMovement.Status.DONE)

    def plans(self) -> QuerySet[MoneyPlan]:
        rows = MoneyPlan.objects.all()
        return rows.filter(payment_id=self.payment_id) if self.payment_id else rows

    def owner(self) -> str | None:
        """The student whose booking is under audit; None for everybody."""
        if not self.payment_id:
            return None
        owner: str = Payment.objects.values_list("student_id", flat=True).get(pk=self.payment_id)
        return owner

    def customer(self) -> str:
        """That student's customer at Stripe; "" for everybody."""
        customer = User.objects.filter(pk=self.owner() or "-").values_list("stripe_customer_id", flat=True).first()
        return customer or ""

    def connected_accounts(self) -> list[str]:
        """The Stripe accounts of all instructors."""
        rows = ConnectAccount.objects.exclude(stripe_account_id=None).order_by("stripe_account_id")
        return [str(account) for account in rows.values_list("stripe_account_id", flat=True).iterator()]
