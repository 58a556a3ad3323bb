"""What every operation shares: finding the booking, locking it, carrying a decision through to its conclusion."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bookings.models import Booking
from common.actors import Actor, Role
from common.mutex import Lease, booking_mutex
from common.problems import NotFound, OperationInProgress, PermissionDenied, StripeFailed, StripeUnavailable
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, carry_out, extend_plan, postpone, stay_youngest, unfinished_plan_of

from ._history import close_stuck

Kind = MoneyMovement.Kind
DONE, REFUSED = MoneyMovement.Status.DONE, MoneyMovement.Status.REFUSED
UNDER_WAY = (MoneyMovement.Status.PLANNED, MoneyMovement.Status.SENT)


@dataclass(frozen=True, slots=True)
class Story:
    """How a purpose goes on: `follow_up` names the movements that a refusal calls for, `conclude` applies the outcome.

    `lock` locks and reads what the plan is about, for both: the booking, unless it is a package.
    """

    conclude: Callable[[MoneyPlan, Any, datetime], str]
    follow_up: Callable[[MoneyPlan, Any, datetime], list[Movement]] = lambda plan, subject, now: []
    lock: Callable[[str], Any] = lambda booking_id: lock_booking(booking_id)


_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)


class Rehearsed(Exception):
    """A rehearsal came to its decision (operations/rehearse.py); nothing of it is carried out."""

    def __init__(self, plan: MoneyPlan) -> None:
        self.plan = plan
        super().__init__(plan.pk)


@contextmanager
def rehearsing() -> Iterator[None]:
    """Within the block every plan stops at its decision: the caller undoes it."""
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


STORIES: dict[str, Story] = {}
Agreed = Callable[[Booking], None] | None  # raises, under the lock, when a decision is not what its caller agreed to


def tells(purpose: MoneyPlan.Purpose, **parts: Callable[..., object]) -> None:
    """Register how plans of a purpose go on; each operation does it once, at the end of its file."""
    STORIES[purpose] = Story(**parts)  # type: ignore[arg-type]


def find_booking(booking_id: str, actor: Actor) -> Booking:
    """The booking, if this actor has any business with it. Raises NotFound otherwise: somebody else's is not there."""
    booking: Booking | None = (
        Booking.objects.select_related("payment", "student", "instructor").filter(pk=booking_id).first()
    )
    if booking is None or not _concerns(booking, actor):
        raise NotFound("There is no such booking.")
    return booking


def _concerns(booking: Booking, actor: Actor) -> bool:
    if actor.role in (Role.STAFF, Role.SYSTEM, Role.STRIPE):
        return True
    return actor.id == (booking.student_id if actor.role is Role.STUDENT else booking.instructor_id)


def only(actor: Actor, *roles: Role) -> None:
    """Raises PermissionDenied unless the actor has one of the roles."""
    if actor.role not in roles:
        raise PermissionDenied(f"Only {' or '.join(roles)} may do this.")


def lock_booking(booking_id: str) -> Booking:
    """Booking and payment, locked in this order and read fresh. Must run inside a transaction.

    Raises NotFound for the new time of a reschedule that was given up while somebody waited for it.
    """
    booking: Booking | None = Booking.objects.select_for_update().filter(pk=booking_id).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    booking.payment = Payment.objects.select_for_update().get(pk=booking.payment_id)
    return booking


def lock_at_rest(booking_id: str) -> Booking:
    """`lock_booking` for a new decision: none about this payment may be under way. Must run inside a transaction.

    Raises OperationInProgress when somebody decided while we waited for the lock: possible once the mutex is lost.
    """
    booking = lock_booking(booking_id)
    if unfinished_plan_of(booking.payment) is not None:
        raise OperationInProgress()
    return booking


@contextmanager
def one_at_a_time(booking_id: str, now: datetime) -> Iterator[Lease]:
    """Hold the booking's mutex, with every earlier decision about its money concluded first.

    Raises OperationInProgress when somebody else holds it, StripeUnavailable when an earlier decision cannot go on now.
    """
    with booking_mutex(booking_id) as lease:
        carry_on(booking_id, lease, now)
        yield lease


def carry_on(booking_id: str, lease: Lease, now: datetime) -> None:
    """Conclude an earlier decision that stopped half-way: the same decision, the same keys."""
    payment = Payment.objects.filter(bookings=booking_id).first()
    plan = unfinished_plan_of(payment) if payment else None
    if plan is not None:
        if _rehearsing.get():
            raise OperationInProgress("An earlier decision about this booking is still being carried out.")
        see_through(plan, lease, now)


def resume(plan: MoneyPlan, now: datetime) -> str:
    """Carry on one unfinished plan under its booking's mutex. Raises OperationInProgress or StripeUnavailable."""
    with booking_mutex(plan.booking_id) as lease:
        return see_through(plan, lease, now)


def see_through(plan: MoneyPlan, lease: Lease, now: datetime) -> str:
    """Carry out and conclude a plan; returns its result. Safe to call again after a crash at any line.

    Raises StripeUnavailable or StripeFailed when it cannot go on now; it is kept and resumed.
    """
    if _rehearsing.get():
        raise Rehearsed(plan)
    story = STORIES[plan.purpose]
    while True:
        try:
            carry_out(plan, lease, now)
        except (StripeUnavailable, StripeFailed) as error:
            postpone(plan, error)
            raise
        with transaction.atomic():
            subject = story.lock(plan.booking_id)
            plan = MoneyPlan.objects.select_for_update().get(pk=plan.pk)
            if plan.finished_at:
                return plan.result
            stay_youngest(plan, lease)
            if plan.movements.filter(status__in=UNDER_WAY).exists():
                continue  # somebody extended the plan while we waited for the lock: nothing is concluded half-way
            more = story.follow_up(plan, subject, now)
            if more:
                extend_plan(plan, more)
                continue
            plan.result = story.conclude(plan, subject, now)[:60]
            plan.finished_at = now
            plan.save(update_fields=["finished_at", "result"])
            if plan.attempts:
                close_stuck(plan, now)
            return plan.result


class Moves:
    """What became of a plan's movements."""

    def __init__(self, plan: MoneyPlan) -> None:
        self.all = list(plan.movements.order_by("position"))

    def last(self, *kinds: str) -> MoneyMovement | None:
        """The latest movement of these kinds that was tried."""
        tried = [m for m in self.all if m.kind in kinds and m.status in (DONE, REFUSED)]
        return tried[-1] if tried else None

    def is_done(self, kind: str) -> bool:
        """The latest of this kind went through; True also when none was needed."""
        last = self.last(kind)
        return last is None or last.status == DONE

    @property
    def refusal(self) -> MoneyMovement | None:
        """The movement that Stripe refused and nothing made good since."""
        tried = [m for m in self.all if m.status in (DONE, REFUSED)]
        return tried[-1] if tried and tried[-1].status == REFUSED else None

    @property
    def skipped(self) -> list[MoneyMovement]:
        return [m for m in self.all if m.status == MoneyMovement.Status.SKIPPED]


def fresh(booking_id: str) -> Booking:
    """The booking as it now stands, with what doors show of it. Raises NotFound when it was given up meanwhile."""
    whole = Booking.objects.select_related("payment", "student", "instructor", "service")
    booking: Booking | None = whole.filter(pk=booking_id).first()
    if booking is None:
        raise NotFound("There is no such booking.")
    return booking
