"""The world that cases live in: one database, one sandbox, people, and a clock that only moves forward.

Cases follow each other in one world. Each has a student of its own and lessons at times of its own, so that they do not
meet; jobs are held to one case's rows by `only_for`. `World.reset` empties everything.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.conf import settings
from django.core.cache import cache

from bookings import jobs
from bookings.models import Booking
from common import clock
from common.actors import Role
from common.problems import Problem
from payments.funding import fund_platform
from payments.models import MoneyPlan, Payment, StripeEventInbox
from sandbox_mode.people import Person, make_person
from tests.support.cast import Cast
from tests.support.database import Cleaner
from tests.support.sandbox import Sandbox

HOUR = timedelta(hours=1)
FLOAT_CENTS = 90_000_000


@dataclass
class Staged:
    """A booking that was brought to where an operation is due, at `now`."""

    world: "World"
    cast: Cast
    booking_id: str
    payment_id: str
    now: datetime
    dispute_id: str = ""
    package_id: str = ""  # whose first lesson the booking is
    faults: list[str] = field(default_factory=list)

    @property
    def booking(self) -> Booking:
        """The booking, read fresh."""
        booking: Booking = Booking.objects.select_related("payment").get(pk=self.booking_id)
        return booking

    @property
    def payment(self) -> Payment:
        """Its payment, read fresh."""
        payment: Payment = Payment.objects.get(pk=self.payment_id)
        return payment

    @property
    def purchase_id(self) -> str:
        """The payment of its package; empty when there is none."""
        paid: str | None = Payment.objects.filter(package=self.package_id or "-").values_list("pk", flat=True).first()
        return paid or ""

    @property
    def payment_ids(self) -> list[str]:
        """Its payment, and its package's with those of all its lessons."""
        ids = [self.payment_id]
        if self.package_id:
            lessons = Payment.objects.filter(entitlement__package=self.package_id).exclude(pk=self.payment_id)
            ids += [self.purchase_id, *lessons.order_by("pk").values_list("pk", flat=True)]
        return ids

    @property
    def current_id(self) -> str:
        """The booking that the payment belongs to now: the last of a reschedule chain."""
        bookings = Booking.objects.filter(payment_id=self.payment_id, rescheduled_to=None)
        return str(bookings.order_by("-created_at", "-pk").values_list("pk", flat=True)[0])

    def at(self, instant: datetime) -> "Staged":
        """The same, later; Stripe's clock goes along."""
        self.now = instant
        self.world.move_to(instant)
        return self

    def refuse(self, method: str, path: str, **error: Any) -> None:
        """Stripe refuses such requests of this case until the case is over."""
        fault = self.world.sandbox.control("POST", "faults", method=method, path=path, kind="refuse", error=error)
        self.faults.append(str(fault["id"]))

    def over(self) -> None:
        """The case is over: its faults go."""
        for fault in self.faults:
            self.world.sandbox.control("DELETE", f"faults/{fault}")
        self.faults.clear()


class World:
    """A database, a sandbox, one instructor and staff; students as they are needed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.errors: list[BaseException] = []
        self.played: dict[str, str] = {}
        self._only: Staged | None = None
        self._cleaner: Cleaner | None = None
        self._free_from: datetime | None = None
        self._people: tuple[Person, Person] | None = None
        self._hold_jobs()

    def reset(self) -> None:
        """Everything is gone and the clock is back at the machine's time."""
        self._cleaner = self._cleaner or Cleaner()
        self._cleaner.empty()
        cache.clear()
        self.sandbox.reset()
        self._people, self._free_from, self._only = None, None, None
        self.played.clear()

    def now(self) -> datetime:
        """Stripe's clock, to the second."""
        stands = datetime.fromisoformat(self.sandbox.control("GET", "clock")["now"])
        return stands.replace(microsecond=0)

    def move_to(self, instant: datetime) -> None:
        """Move Stripe's clock forward; an instant that has passed changes nothing."""
        if instant > self.now():
            self.sandbox.control("POST", "clock", to=instant.isoformat())

    def begin(self) -> datetime:
        """The instant at which a new case begins: every earlier lesson of the instructor is over."""
        if self._free_from:
            self.move_to(self._free_from + HOUR)
        return self.now()

    def plays(self, staged: Staged, case: object) -> None:
        """Remember whose booking and payment these are."""
        ids = (staged.booking_id, staged.package_id, *staged.payment_ids)
        self.played |= {an_id: str(case) for an_id in ids if an_id}

    def taken_until(self, instant: datetime) -> None:
        """A lesson ends then; later cases keep clear of it."""
        self._free_from = max(instant, self._free_from or instant)

    def cast(self, now: datetime, *, card: str = "pm_card_visa", credits: Iterable[int] = ()) -> Cast:
        """A new student with a card and credits, the world's instructor and staff."""
        if self._people is None:
            self._people = self._make_people(now)
        instructor, staff = self._people
        lots = [{"amount_cents": cents} for cents in credits]
        return Cast(make_person(role=Role.STUDENT, now=now, card=card, credits=lots), instructor, staff)

    def _make_people(self, now: datetime) -> tuple[Person, Person]:
        fund_platform(
            amount_cents=FLOAT_CENTS, payment_method="pm_card_bypassPending", now=now, key=f"float:{now.isoformat()}"
        )
        instructor = make_person(role=Role.INSTRUCTOR, now=now, commission_bps=1200)
        self._no_payouts(instructor.stripe_account_id)
        return instructor, make_person(role=Role.STAFF, now=now)

    def _no_payouts(self, account_id: str) -> None:
        """Money stays in the account, where it can be counted; payouts have their own tests."""
        answer = httpx.post(
            f"{settings.STRIPE_API_BASE}/v1/accounts/{account_id}",
            data={"settings[payouts][schedule][interval]": "manual"},
            auth=(settings.STRIPE_SECRET_KEY, ""),
            timeout=30,
        )
        answer.raise_for_status()

    @contextmanager
    def only_for(self, staged: Staged) -> Iterator[None]:
        """Jobs select as always and work on this case's rows alone."""
        self._only = staged
        try:
            yield
        finally:
            self._only = None

    def _hold_jobs(self) -> None:
        real = self._free_jobs = jobs._each

        def each(name: str, ids: Iterable[str], work: Callable[[str], str]) -> jobs.Run:
            return real(name, self._ours(list(ids)), lambda an_id: self._noting(work, an_id))

        jobs._each = each

    def close(self) -> None:
        """Jobs are free again."""
        jobs._each = self._free_jobs

    def _ours(self, ids: list[str]) -> list[str]:
        if self._only is None:
            return ids
        payments = self._only.payment_ids
        ours = set(Booking.objects.filter(payment_id__in=payments).values_list("pk", flat=True))
        ours |= set(MoneyPlan.objects.filter(payment_id__in=payments).values_list("pk", flat=True))
        ours |= {self._only.package_id}
        return [an_id for an_id in ids if an_id in ours or an_id.startswith("evt_")]

    def _noting(self, work: Callable[[str], str], an_id: str) -> str:
        """Jobs swallow what goes wrong with one booking; here it is remembered when nobody should see it."""
        try:
            return work(an_id)
        except Problem:
            raise
        except Exception as error:
            self.errors.append(error)
            raise

    def expire_leases(self) -> None:
        """As if 90 s had passed since a holder of a mutex died."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("UPDATE common_lease SET expires_at = clock_timestamp() - interval '1 second'")

    def make_due(self, staged: Staged) -> None:
        """As if the wait before the next try of unfinished decisions and events had passed on the machine's clock."""
        StripeEventInbox.objects.filter(processed_at=None).update(next_attempt_at=clock.system_now() - HOUR)
        MoneyPlan.objects.filter(payment_id__in=staged.payment_ids, finished_at=None).update(
            next_attempt_at=clock.system_now() - timedelta(seconds=1)
        )

    def resume(self, staged: Staged, now: datetime) -> jobs.Run:
        """One pass of the recovery job over this case."""
        self.expire_leases()
        self.make_due(staged)
        with self.only_for(staged):
            return jobs.resume_unfinished_settlements(now)
