"""An instructor with money on their balance at Stripe."""

from collections.abc import Callable

import pytest
from django.db import transaction

from common import clock
from common.actors import Role
from common.ids import new_id
from payments import gateway, ledger
from payments.funding import fund_platform
from sandbox_mode.people import Person, make_person


@pytest.fixture
def instructor(house: None) -> Person:
    """Ready to be paid, on a platform with a float."""
    now = clock.now()
    fund_platform(amount_cents=10_000_000, payment_method="pm_card_bypassPending", now=now, key=f"float:{new_id()}")
    return make_person(role=Role.INSTRUCTOR, now=now)


@pytest.fixture
def earn(instructor: Person) -> Callable[[int], None]:
    """Put cents on the instructor's balance, available at once."""

    def earned(cents: int) -> None:
        key, account = f"earned:{new_id()}", instructor.stripe_account_id
        params = {"amount": cents, "currency": "usd", "destination": account}
        made = gateway.create_transfer(params=params, key=key)
        with transaction.atomic():
            lines = ledger.transfer_lines(
                account_id=account, amount=cents, transfer=made["id"], payment=made["destination_payment"]
            )
            ledger.post(key=key, kind="test", at=clock.now(), lines=lines)

    return earned
