"""A refund that the student's bank sends back is a fact: ledger, event, support, mail; and it can be made again."""

from datetime import datetime

import pytest

from bookings import audit, stripe_events
from bookings.models import Booking, BookingEvent, MailLog, SupportItem
from bookings.operations import refund_booking, resolve_review
from common import clock
from payments import gateway, ledger
from payments.models import MoneyMovement, StripeEventInbox
from tests.reconciliation.banking import pay_out, transfer
from tests.stories.acts import DAY, paid
from tests.support.cast import Cast, make_cast, money_of
from tests.support.sandbox import Sandbox


@pytest.fixture
def now() -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(house: None, now: datetime) -> Cast:
    return make_cast(now)


def told(kind: str, object_id: str, number: int, account: str = "", **fields: object) -> StripeEventInbox:
    """An event from Stripe as the inbox has it."""
    return StripeEventInbox(
        event_id=f"evt_{number}",
        type=kind,
        object_id=object_id,
        stripe_account=account,
        payload={"data": {"object": {"id": object_id, **fields}}},
    )


def refund_and_lose_it(cast: Cast, now: datetime, sandbox: Sandbox, amount: int | None) -> tuple[Booking, str]:
    booking = paid(cast, now)
    done = refund_booking(
        booking_id=booking.pk, actor=cast.as_staff, amount_cents=amount, reason="other", now=booking.ends_at + 2 * DAY
    )
    sandbox.control("POST", f"refunds/{done.refund_id}/fail", failure_reason="lost_or_stolen_card")
    for number in range(2):  # told twice, noted once
        event = told("refund.failed", done.refund_id, number)
        assert stripe_events.handle(event, booking.ends_at + 3 * DAY) == "failed"
    return booking, done.refund_id


@pytest.mark.parametrize("amount", [None, 5000])
def test_a_refund_that_comes_back_waits_for_support_and_is_made_again(
    cast: Cast, now: datetime, sandbox: Sandbox, amount: int | None
) -> None:
    booking, refund_id = refund_and_lose_it(cast, now, sandbox, amount)
    money = money_of(booking)
    assert (money["payment"], money["refunded"], money["charged"]) == ("manual_review", 0, 13440)
    assert BookingEvent.objects.filter(kind="refund_failed", booking=booking.pk).count() == 1
    item = SupportItem.objects.get(kind="refund_failed", closed_at=None)
    assert (item.cause, item.money_at_risk_cents) == (refund_id, amount or 13440)
    assert set(MailLog.objects.filter(event__kind="refund_failed").values_list("kind", flat=True)) == {
        "refund_failed.student",
        "refund_failed.support",
    }
    assert gateway.net_of(refund_id) == 0
    assert ledger.balance_of(ledger.PLATFORM) == gateway.balance_total()
    assert not list(audit.audit())

    again = resolve_review(
        booking_id=booking.pk,
        actor=cast.as_staff,
        resolution="resume",
        reason="The student has a new card with this bank",
        now=now + 9 * DAY,
    )
    money = money_of(again)
    assert (money["payment"], money["outcome"], money["refunded"]) == ("settled", "admin_refund", amount or 13440)
    assert MoneyMovement.objects.filter(kind="refund", status="done").count() == 2
    assert not SupportItem.objects.filter(closed_at=None).exists()
    assert not list(audit.audit())


def test_a_bank_payout_that_comes_back_stands_before_support_until_one_arrives(
    cast: Cast, now: datetime, sandbox: Sandbox
) -> None:
    account = cast.instructor.stripe_account_id
    transfer(account, 2000)  # of the float: it is available at once
    lost, arrives = pay_out(account, 700), pay_out(account, 600)
    sandbox.control("POST", f"payouts/{lost}/fail", failure_code="account_closed")
    for number in range(2):
        assert stripe_events.handle(told("payout.failed", lost, number, account, amount=700), now) == "failed"
    item = SupportItem.objects.get(closed_at=None)
    assert (item.kind, item.cause, item.money_at_risk_cents) == ("bank_payout_failed", f"{account}:{lost}", 700)
    sandbox.control("POST", "clock", advance_seconds=3 * 86400)
    assert stripe_events.handle(told("payout.paid", arrives, 2, account), now) == "paid"
    assert not SupportItem.objects.filter(closed_at=None).exists()
