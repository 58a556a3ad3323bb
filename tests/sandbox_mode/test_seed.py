"""Demo data: every state of a lesson's life, once, in an empty sandbox."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from accounts.models import User
from bookings.jobs import send_mails
from bookings.models import Booking, MailLog, SupportItem
from common import clock
from packages.queries import for_sale
from payments import ledger
from sandbox_mode import price_list

pytestmark = pytest.mark.usefixtures("house")


def test_an_empty_sandbox_is_filled_once() -> None:
    call_command("seed_demo", stdout=StringIO())
    admin = User.objects.get(email="staff@example.com")
    assert admin.is_superuser
    assert admin.check_password("sandbox")
    states = Counter(f"{b.status} {b.payment_status}" for b in Booking.objects.select_related("payment"))
    assert states == {
        "COMPLETED settled": 2,
        "CANCELLED settled": 1,
        "CONFIRMED manual_review": 1,
        "CONFIRMED scheduled": 3,
        "CONFIRMED authorized": 1,
        "PENDING payment_method_required": 1,
    }
    assert sum(ledger.trial_balance().values()) == 0
    assert not SupportItem.objects.exists()
    send_mails(clock.now())
    assert not MailLog.objects.filter(sent_at=None, not_before=None).exists()  # others wait for the morning
    call_command("seed_demo", stdout=StringIO())
    assert Booking.objects.count() == 9
    sold = {(one.service_type, one.offer.lesson_count, one.offer.amount_cents) for one in for_sale()}
    assert sold == {(kind, n, cents) for kind in ("piano", "spanish") for n, cents in price_list.CENTS.items()}


def test_nothing_is_seeded_outside_sandbox_mode() -> None:
    with override_settings(SANDBOX_MODE=False), pytest.raises(CommandError):
        call_command("seed_demo", stdout=StringIO())
