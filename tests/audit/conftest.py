"""A platform on which everything has happened once, told once for all tests that break a copy of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from bookings.audit import Violation, audit
from bookings.models import Booking
from bookings.operations import cancel_booking, note_chargeback
from common import clock
from common.actors import STRIPE
from tests.stories.acts import DAY, give_credits, held, locked, paid, payment_of
from tests.support.cast import HOUR, Cast, make_cast
from tests.support.database import Cleaner
from tests.support.sandbox import Sandbox


@dataclass(frozen=True)
class Told:
    """Its people and lessons: one paid, one cancelled late, one charged back after that, one held with credit, one locked."""

    cast: Cast
    paid: Booking
    late: Booking
    charged_back: Booking
    held: Booking
    locked: Booking

    @property
    def names(self) -> dict[str, str]:
        """What a statement may name: `{paid}` a booking, `{paid_payment}` its payment."""
        lessons = {name: getattr(self, name) for name in ("paid", "late", "charged_back", "held", "locked")}
        ids = {name: f"'{booking.pk}'" for name, booking in lessons.items()}
        payments = {f"{name}_payment": f"'{booking.payment_id}'" for name, booking in lessons.items()}
        return {**ids, **payments, "staff": f"'{self.cast.staff.user.pk}'"}


@pytest.fixture(scope="module")
def told(_cleaner: Cleaner, django_db_blocker: DjangoDbBlocker, _sandbox_process: Sandbox) -> Iterator[Told]:
    """The database as the stories left it; a test breaks it in a transaction that is undone."""
    with django_db_blocker.unblock():
        now = clock.now().replace(microsecond=0)
        cast = make_cast(now)
        given_locked = locked(cast, now)
        give_credits(cast, 7000, now)
        given = paid(cast, now, credits=5000)
        cancelled = []
        for hours in (52, 56):
            booking = held(cast, now, hours=hours)
            cancel_booking(
                booking_id=booking.pk, actor=cast.as_student, reason="Ill", now=booking.starts_at - 15 * HOUR
            )
            cancelled.append(booking)
        dispute = _sandbox_process.control(
            "POST", "disputes", charge=payment_of(cancelled[1]).charge_id, reason="fraudulent"
        )
        note_chargeback(dispute_id=dispute["id"], booking_id=cancelled[1].pk, actor=STRIPE, now=now + 3 * DAY)
        standing = held(cast, now, hours=64, credits=2000)
        world = Told(cast, given, cancelled[0], cancelled[1], standing, given_locked)
        assert [str(violation) for violation in audit()] == []
        yield world
        _cleaner.empty()
        _sandbox_process.reset()


class Undone(Exception):
    """Everything as it was."""


@pytest.fixture
def broken(told: Told) -> Any:
    """Run statements past every trigger, audit our own books, undo: what the audit said."""

    def run(*statements: str, **how: Any) -> list[Violation]:
        found: list[Violation] = []
        try:
            with transaction.atomic():
                for statement in statements:
                    with connection.cursor() as cursor:
                        cursor.execute(statement.format(**told.names))
                found += audit(with_stripe=False, **how)
                raise Undone
        except Undone:
            return found

    return run
