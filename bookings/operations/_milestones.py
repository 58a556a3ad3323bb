"""Credits for lessons taken (policy 8): given when the lesson is paid, taken back when it is refunded and unspent."""

from datetime import datetime

from bookings.models import Booking
from credits import operations as credit_lots
from credits.freezing import revoke_by_issue_key
from credits.lots import lock_wallet
from credits.milestones import milestone_cents, milestone_key
from credits.models import CreditLot
from payments.models import Payment
from payments.vocabulary import Outcome

from ._conclusions import book_credits


def give_milestone(booking: Booking, now: datetime) -> None:
    """A lesson was paid: give the credit of its milestone, once per number of lessons."""
    lock_wallet(booking.student_id)  # two lessons ending at once are counted one after the other
    lessons = Payment.objects.filter(student_id=booking.student_id, settlement_outcome=Outcome.LESSON_COMPLETED).count()
    amount = milestone_cents(completed_lessons=lessons)
    if amount:
        issued = credit_lots.issue(
            owner_id=booking.student_id,
            amount_cents=amount,
            source=CreditLot.Source.MILESTONE,
            issue_key=milestone_key(student_id=booking.student_id, completed_lessons=lessons),
            now=now,
            origin_payment_id=booking.payment_id,
        )
        book_credits(issued.entries)


def take_milestone_back(payment: Payment, now: datetime) -> None:
    """The lesson was refunded: its milestone goes, as far as it is unspent."""
    lot = CreditLot.objects.filter(
        origin_payment_id=payment.pk, source=CreditLot.Source.MILESTONE, issue_key__isnull=False
    ).first()
    if lot is not None and lot.issue_key:
        book_credits(revoke_by_issue_key(issue_key=lot.issue_key, now=now))
