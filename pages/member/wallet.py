"""The wallet: what can be spent, lot by lot with its date, and what is reserved for which lesson."""

from typing import Any

from bookings.models import Booking
from common.actors import Role
from credits.models import CreditLot
from credits.queries import balance
from pages.door import Page

SOURCES = {
    CreditLot.Source.CANCEL_12_24: "From a lesson cancelled 12 to 24 hours before",
    CreditLot.Source.CANCEL_LT12: "From a lesson cancelled less than 12 hours before",
    CreditLot.Source.CANCEL_LOCKED: "From a moved lesson that was cancelled",
    CreditLot.Source.MILESTONE: "A thank-you for learning with us",
    CreditLot.Source.REFERRAL: "For bringing a friend",
    CreditLot.Source.GOODWILL: "A gift from our support",
    CreditLot.Source.MIGRATION: "From your earlier account",
}


class Wallet(Page):
    """A student's credit."""

    template, title = "pages/member/wallet.html", "Wallet"
    roles = (Role.STUDENT,)

    def content(self, **path: Any) -> dict[str, Any]:
        wallet = balance(user_id=self.user.pk, now=self.now)
        lessons = self.lessons_paid_with(wallet.lots)
        return {
            "wallet": wallet,
            "lots": [
                {"lot": lot, "source": SOURCES[CreditLot.Source(lot.source)], "lesson": lessons.get(lot.reserved_for)}
                for lot in wallet.lots
            ],
        }

    def lessons_paid_with(self, lots: list[CreditLot]) -> dict[str, Booking]:
        """The lesson for which each reserved lot waits, by payment. One query."""
        payments = {lot.reserved_for for lot in lots if lot.reserved_for}
        bookings = Booking.objects.filter(payment__in=payments, rescheduled_to=None).select_related(
            "service", "instructor"
        )
        return {booking.payment_id: booking for booking in bookings}
