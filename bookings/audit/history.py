"""Invariant 7: only drawn transitions, and every change has its event with actor and door."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django_fsm import RETURN_VALUE

from bookings.models import Booking
from common.actors import Door, Role
from payments.models import Payment

from .scope import Scope, Violation

MOMENT = 10  # the characters of a ULID that are its millisecond: within one, ids are in no order


@dataclass(frozen=True, slots=True)
class Change:
    """One event: which booking's, what, by whom, and what it did to both statuses."""

    payment_id: str
    booking_id: str
    id: str
    kind: str
    actor_role: str
    door: str
    status_from: str
    status_to: str
    payment_status_from: str
    payment_status_to: str
    stands: str  # where booking and payment are now
    payment_stands: str

    def __str__(self) -> str:
        return f"booking {self.booking_id}, {self.kind}"


FIELDS = (
    "booking__payment_id", "booking_id", "id", "kind", "actor_role", "door",
    "status_from", "status_to", "payment_status_from", "payment_status_to",
    "booking__status", "booking__payment__status",
)  # fmt: skip


def drawn(model: Any) -> set[tuple[str, str]]:
    """Every transition a machine draws, as (from, to)."""
    field = model._meta.get_field("status")
    pairs = set()
    for transition in field.get_all_transitions(model):
        target = transition.target
        targets = target.allowed_states if isinstance(target, RETURN_VALUE) else [target]
        pairs |= {(str(transition.source), str(t)) for t in targets}
    return pairs


def i07_only_drawn_transitions(scope: Scope) -> Iterator[Violation]:
    """Replays the events of every payment and its bookings against the machines, one payment at a time."""
    lessons, payments = drawn(Booking), drawn(Payment)
    events = scope.events().order_by("booking__payment_id", "id").values_list(*FIELDS)
    changes = (Change(*row) for row in scope.each(events))
    for payment_id, of_payment in groupby(changes, key=lambda change: change.payment_id):
        its = list(of_payment)
        ended, status, wrong = _replay(its, lessons, payments)
        yield from wrong
        stands = {change.booking_id: change.stands for change in its}
        for booking_id, last in ended.items():
            if last != stands[booking_id]:
                yield Violation(7, f"booking {booking_id}", f"is {stands[booking_id]}, its last event says {last}")
        if status != its[0].payment_stands:
            yield Violation(7, f"payment {payment_id}", f"is {its[0].payment_stands}, its last event says {status}")
    for booking_id in scope.each(scope.bookings().filter(events=None).values_list("pk", flat=True)):
        yield Violation(7, f"booking {booking_id}", "has no event at all")


def _replay(
    changes: list[Change], lessons: set[tuple[str, str]], payments: set[tuple[str, str]]
) -> tuple[dict[str, str], str, list[Violation]]:
    """Where the events of a payment leave its bookings and itself, and what is wrong on the way."""
    wrong: list[Violation] = []
    for change in changes:
        if change.actor_role not in set(Role) or change.door not in set(Door):
            wrong.append(Violation(7, str(change), "does not say who did it or through which door"))
        wrong += _undrawn(change, change.status_from, change.status_to, lessons)
        wrong += _undrawn(change, change.payment_status_from, change.payment_status_to, payments)
    ended: dict[str, str] = {}
    by_booking: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_booking[change.booking_id].append(change)
    for booking_id, its in by_booking.items():
        ended[booking_id] = ""
        for change in _in_order(its, lambda c: (c.status_from, c.status_to)):
            before, ended[booking_id] = ended[booking_id], change.status_to
            if before and change.status_from not in ("", before):
                wrong.append(Violation(7, str(change), f"starts from {change.status_from}, not from {before}"))
    status, last = "", ("", "")
    for change in _in_order(changes, lambda c: (c.payment_status_from, c.payment_status_to)):
        ends = (change.payment_status_from, change.payment_status_to)
        if status and ends[0] not in ("", status) and ends != last:  # a lesson being moved: both bookings tell it
            wrong.append(Violation(7, str(change), f"starts from payment {ends[0]}, not from {status}"))
        status, last = ends[1], ends
    return ended, status, wrong


def _in_order(changes: Iterable[Change], ends: Callable[[Change], tuple[str, str]]) -> Iterator[Change]:
    """As they happened. Of those within one millisecond, first what follows on from where it stands."""
    stands = ""
    for _, moment in groupby(changes, key=lambda change: change.id[:MOMENT]):
        left = list(moment)
        while left:
            change = min(left, key=lambda c: (ends(c)[0] not in ("", stands), ends(c)[0] != ends(c)[1]))
            left.remove(change)
            stands = ends(change)[1]
            yield change


def _undrawn(change: Change, before: str, after: str, machine: set[tuple[str, str]]) -> Iterator[Violation]:
    if not before or before == after or (before, after) in machine:
        return
    if any((before, between) in machine and (between, after) in machine for between in ("authorized", "scheduled")):
        return  # two transitions of one decision: held and locked, held and released
    yield Violation(7, str(change), f"{before} to {after} is not drawn")
