"""What happens at Stripe behind our back is reported: invariants 2, 4 and 12. And the command that reports it."""

from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.audit import CHECKS, TITLES, audit
from bookings.models import Booking
from common import clock
from common.ids import new_id
from payments import gateway
from payments.models import Payment
from tests.stories.acts import held, paid, payment_of
from tests.support.cast import Cast, make_cast
from tests.support.sandbox import Sandbox


@pytest.fixture
def now(house: None) -> datetime:
    return clock.now().replace(microsecond=0)


@pytest.fixture
def cast(now: datetime) -> Cast:
    return make_cast(now)


def said(**how: Any) -> list[str]:
    return sorted(str(violation) for violation in audit(**how))


def test_money_moved_behind_our_back(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    payment, account = payment_of(booking), cast.instructor.stripe_account_id
    assert said() == said(booking_id=booking.pk) == []
    moved = gateway.create_transfer(
        params={"amount": 500, "currency": "usd", "destination": account, "transfer_group": payment.pk}, key=new_id()
    )
    refund = gateway.create_refund(params={"payment_intent": payment.payment_intent_id, "amount": 300}, key=new_id())
    balance = gateway.balance_total()
    assert said() == sorted([
        f"invariant 2, stripe:platform {moved['id']}: our ledger says None, Stripe says -500",
        f"invariant 2, stripe:platform {refund['id']}: our ledger says None, Stripe says -300",
        f"invariant 2, stripe:{account} {moved['destination_payment']}: our ledger says None, Stripe says 500",
        f"invariant 12, platform balance: should be {balance + 800}, Stripe holds {balance}",
    ])  # fmt: skip
    assert said(booking_id=booking.pk) == [
        f"invariant 2, {moved['id']}: a transfer at Stripe that our ledger does not know"
    ]
    assert said(with_stripe=False) == []


def test_a_transfer_reversed_behind_our_back(cast: Cast, now: datetime) -> None:
    booking = paid(cast, now)
    (made,) = gateway.transfers_of(transfer_group=str(booking.payment_id))
    gateway.reverse_transfer(made["id"], params={"amount": 100}, key=new_id())
    assert said(booking_id=booking.pk) == [f"invariant 2, {made['id']}: we reversed 0 of it, Stripe says 100"]


def intent(payment: Payment, **params: Any) -> str:
    """A hold somebody places past us."""
    request = {
        "amount": 1000,
        "currency": "usd",
        "capture_method": "manual",
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "confirm": True,
        **params,
    }
    return str(gateway.create_intent(params=request, key=new_id())["id"])


def test_holds_nobody_knows(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    payment = payment_of(booking)
    assert said() == said(booking_id=booking.pk) == []
    nobodys = intent(payment)
    known = {"customer": cast.student.user.stripe_customer_id, "payment_method": payment.payment_method_id}
    second = intent(payment, **known, metadata={"payment": payment.pk})
    both = f"{second}, {payment.payment_intent_id}"
    of_payment = [
        f"invariant 4, payment {payment.pk}: 2 live holds: {both}",
        f"invariant 4, {second}: payment {payment.pk} does not know this payment intent",
    ]
    assert said() == sorted([*of_payment, f"invariant 4, {nobodys}: no payment knows this payment intent over 1000"])
    assert said(booking_id=booking.pk) == sorted(of_payment)


def test_a_hold_left_on_what_is_over(cast: Cast, now: datetime) -> None:
    booking = held(cast, now)
    payment, its = payment_of(booking), f"{payment_of(booking).payment_intent_id} is still held"
    Booking.objects.filter(pk=booking.pk).update(status="CANCELLED", holds_slot=False)  # fmt: skip
    assert f"invariant 4, booking {booking.pk}: cancelled, and {its}" in said()
    Payment.objects.filter(pk=payment.pk).update(status="settled", settlement_outcome="student_cancel_gt24_no_charge")
    assert f"invariant 4, payment {payment.pk}: settled, and {its}" in said()


def run(*args: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit", *args, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command(cast: Cast, now: datetime, sandbox: Sandbox) -> None:
    booking = paid(cast, now)
    code, text = run()
    lines = text.splitlines()
    assert (code, len(lines), lines[-1]) == (0, 13, "All twelve hold.")
    for number, line in zip(CHECKS, lines, strict=False):
        assert line.split() == ["✓", str(number), *TITLES[number].split(), "0"]
    payment = payment_of(booking)
    gateway.create_refund(params={"payment_intent": payment.payment_intent_id, "amount": 300}, key=new_id())
    code, text = run()
    assert (code, text.count("✗"), text.count("✓")) == (1, 2, 10)
    assert "our ledger says None, Stripe says -300" in text
    assert text.endswith("2 violations.\n")
    assert run("--no-stripe")[0] == 0
    assert run("--booking", booking.pk)[0] == 0
    with pytest.raises(CommandError, match="no booking"):
        run("--booking", "nobody's")
    sandbox.control("POST", "faults", method="GET", path="/v1/*", kind="500")
    with pytest.raises(CommandError, match="Stripe could not be read") as trouble:
        run()
    assert trouble.value.returncode == 2


def queries() -> int:
    with CaptureQueriesContext(connection) as captured:
        assert said(with_stripe=False) == []
    return len(captured)


def test_twice_the_lessons_are_not_more_queries(cast: Cast, now: datetime) -> None:
    held(cast, now)
    held(cast, now, hours=52)
    few = queries()
    for hours in (56, 60):
        held(cast, now, hours=hours)
    assert queries() == few
