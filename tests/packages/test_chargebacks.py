"""The bank takes a package's money back: unused lessons freeze and nothing else moves (policy 7, 12)."""

from datetime import datetime
from typing import Any

import pytest

from accounts.holds import AccountRestricted
from bookings import operations
from bookings.models import SupportItem
from bookings.operations._errors import ChargebackOpen
from packages.entitlements import NothingLeft
from packages.models import Package
from tests.stories.acts import in_account
from tests.support.cast import HOUR, Cast, mails_to, money_of, soon
from tests.support.sandbox import Sandbox

from .shop import DAY, Shop, book, lessons_of, owed, purchase, states, told
from .test_lessons import cancel, given

EVENTS = ("charge.dispute.created", "charge.dispute.closed", "charge.dispute.funds_reinstated")


def dispute(package: Package, sandbox: Sandbox, now: datetime) -> str:
    """The bank opens a dispute, and we are told, twice."""
    package.payment.refresh_from_db()
    opened: Any = sandbox.control("POST", "disputes", charge=package.payment.charge_id, reason="fraudulent")
    assert "opened" in told(now, "charge.dispute.created")
    return str(opened["id"])


def close(dispute_id: str, sandbox: Sandbox, status: str, now: datetime) -> None:
    sandbox.control("POST", f"disputes/{dispute_id}/close", status=status)
    assert status in told(now, *EVENTS)


def test_what_is_unused_freezes_and_nothing_else_moves(shop: Shop, cast: Cast, sandbox: Sandbox, now: datetime) -> None:
    package = shop.bought(5, now=now, more_starts_at=[soon(240)])
    first, second = lessons_of(package)
    given(first)
    dispute(package, sandbox, now + 5 * DAY)
    assert (purchase(package)["package"], purchase(package)["payment"]) == ("disputed", "manual_review")
    assert states(package) == {"used": 1, "booked": 1, "frozen": 3}
    assert (in_account(cast), owed()) == (8_800, 40_000)
    assert money_of(second)["booking"] == "CONFIRMED"
    with pytest.raises(NothingLeft):
        book(shop, package, soon(300), now=now + 5 * DAY)
    with pytest.raises(ChargebackOpen):
        operations.refund_package(
            package_id=package.pk, actor=cast.as_student, lessons=None, reason="?", now=now + 5 * DAY
        )
    cancel(second, cast, 48)
    assert states(package) == {"used": 1, "frozen": 4}


def test_won_everything_is_back(shop: Shop, cast: Cast, sandbox: Sandbox, now: datetime) -> None:
    package = shop.bought(5, now=now)
    opened = dispute(package, sandbox, now + HOUR)
    close(opened, sandbox, "won", now + 2 * HOUR)
    assert purchase(package) == {
        "package": "paid", "payment": "settled", "outcome": "package_paid", "charged": 50_000, "refunded": 0,
    }  # fmt: skip
    assert (states(package), owed()) == ({"booked": 1, "available": 4}, 50_000)
    assert SupportItem.objects.filter(closed_at=None).count() == 0
    assert book(shop, package, soon(96), now=now + 3 * HOUR).status == "CONFIRMED"


def test_lost_it_is_revoked_and_the_account_restricted(shop: Shop, cast: Cast, sandbox: Sandbox, now: datetime) -> None:
    package = shop.bought(5, now=now, more_starts_at=[soon(240)])
    first, second = lessons_of(package)
    given(first)
    opened = dispute(package, sandbox, now + 5 * DAY)
    close(opened, sandbox, "lost", now + 6 * DAY)
    assert purchase(package) == {
        "package": "charged_back", "payment": "settled", "outcome": "student_wins_dispute_full_refund",
        "charged": 50_000, "refunded": 50_000,
    }  # fmt: skip
    assert (states(package), owed()) == ({"used": 1, "revoked": 4}, 0)
    assert (money_of(second)["booking"], money_of(second)["outcome"]) == ("CANCELLED", "instructor_cancel_full_refund")
    assert in_account(cast) == 8_800
    assert mails_to(cast.instructor.user).count("package_chargeback_lost.instructor") == 1
    with pytest.raises(AccountRestricted):
        shop.session(3, now=now + 7 * DAY, hours=400)
