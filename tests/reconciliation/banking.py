"""What happens at Stripe past us: banks, dashboards, and stories whose money goes every way."""

from datetime import datetime
from typing import Any

from bookings import jobs
from bookings.models import Booking
from bookings.operations import cancel_booking, note_chargeback, staff_cancel_booking
from common.actors import STRIPE
from common.ids import new_id
from payments import gateway, observed
from tests.stories.acts import DAY, give_credits, held, locked, paid, payment_of
from tests.support.cast import HOUR, Cast
from tests.support.sandbox import Sandbox


def pay_out(account: str, cents: int) -> str:
    """An account moves money to its bank, in Stripe's dashboard."""
    made = gateway.client().v1.payouts.create(
        params={"amount": cents, "currency": "usd"}, options={"stripe_account": account} if account else {}
    )
    return str(made.id)


def transfer(account: str, cents: int, **params: Any) -> dict[str, Any]:
    """A transfer somebody makes in Stripe's dashboard."""
    return gateway.create_transfer(
        params={"amount": cents, "currency": "usd", "destination": account, **params}, key=new_id()
    )


def refund(booking: Booking, cents: int) -> dict[str, Any]:
    """A refund somebody makes in Stripe's dashboard."""
    intent = payment_of(booking).payment_intent_id
    return gateway.create_refund(params={"payment_intent": intent, "amount": cents}, key=new_id())


def charge_back(booking: Booking, sandbox: Sandbox) -> str:
    """The student's bank takes the money. Nobody has told us."""
    return str(sandbox.control("POST", "disputes", charge=payment_of(booking).charge_id, reason="fraudulent")["id"])


def note_dispute(booking: Booking, dispute: str, now: datetime) -> None:
    note_chargeback(dispute_id=dispute, booking_id=booking.pk, actor=STRIPE, now=now)


def available(sandbox: Sandbox) -> None:
    """Card money becomes available two days after the charge."""
    sandbox.control("POST", "clock", advance_seconds=3 * 24 * 3600)


def given(cast: Cast, now: datetime, hours: float) -> Booking:
    """A lesson so many hours from now that was given and paid."""
    booking = held(cast, now, hours=hours)
    assert jobs.capture_completed_lessons(booking.ends_at + DAY).results == {"lesson_completed_full_payout": 1}
    return booking


def every_way(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    """A capture with a top-up, a late cancellation, a lock, a refund, a chargeback lost and one won, payouts."""
    locked(cast, now)
    give_credits(cast, 9000, now)
    paid(cast, now, credits=9000)
    late = held(cast, now, hours=52)
    cancel_booking(booking_id=late.pk, actor=cast.as_student, reason="Ill", now=late.starts_at - 6 * HOUR)
    back = held(cast, now, hours=56)
    staff_cancel_booking(
        booking_id=back.pk, actor=cast.as_staff, reason="Ill", refund=True, now=back.starts_at - 20 * HOUR
    )
    for hours, end in ((60, "won"), (64, "lost")):
        booking = given(cast, now, hours)
        dispute = charge_back(booking, sandbox)
        note_dispute(booking, dispute, now + 6 * DAY)
        sandbox.control("POST", f"disputes/{dispute}/close", status=end)
        note_dispute(booking, dispute, now + 9 * DAY)
    available(sandbox)
    account = cast.instructor.stripe_account_id
    arrived, returned = pay_out(account, 3000), pay_out(account, 2000)
    sandbox.control("POST", f"payouts/{returned}/fail")
    for payout in (arrived, returned):
        observed.note_payout(payout, account=account, now=now)
