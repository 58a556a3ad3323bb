"""Invariants 7, 8, 10 and 11: transitions and their events, unfinished decisions, one effect each, one mail each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count
from django_fsm import RETURN_VALUE

from bookings.models import Booking, BookingEvent, MailLog
from bookings.notifications import TOLD
from payments.models import MoneyMovement, MoneyPlan, Payment

from .scope import Scope, Violation

Purpose = MoneyPlan.Purpose
ONCE = (Purpose.CANCEL, Purpose.EXPIRE, Purpose.ESCALATE, Purpose.SECURE_FUNDS)


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
    """Replays the events of every booking against the machines; every event says who and through which door."""
    lessons, payments = drawn(Booking), drawn(Payment)
    events = BookingEvent.objects.order_by("booking_id", "id")
    if scope.payment_id:
        events = events.filter(booking__payment_id=scope.payment_id)
    last: BookingEvent | None = None
    for event in events.iterator():
        subject = f"booking {event.booking_id}, {event.kind}"
        if not event.actor_role or not event.door:
            yield Violation(7, subject, "does not say who did it or through which door")
        yield from _undrawn(subject, event.status_from, event.status_to, lessons)
        yield from _undrawn(subject, event.payment_status_from, event.payment_status_to, payments)
        follows = last is not None and last.booking_id == event.booking_id
        if last is not None and follows and event.status_from and event.status_from != last.status_to:
            yield Violation(7, subject, f"starts from {event.status_from}, the event before ended in {last.status_to}")
        last = event
    yield from _ends_where_it_stands(scope)


def _undrawn(subject: str, before: str, after: str, machine: set[tuple[str, str]]) -> Iterator[Violation]:
    if not before or before == after or (before, after) in machine:
        return
    if any((before, between) in machine and (between, after) in machine for between in ("authorized", "scheduled")):
        return  # two transitions of one decision: held and locked, held and released
    yield Violation(7, subject, f"{before} to {after} is not drawn")


def _ends_where_it_stands(scope: Scope) -> Iterator[Violation]:
    bookings = scope.bookings().exclude(status="PENDING", events=None)
    latest: dict[str, str] = {}
    events = BookingEvent.objects.order_by("id")
    if scope.payment_id:
        events = events.filter(booking__payment_id=scope.payment_id)
    for booking_id, status in events.values_list("booking_id", "status_to").iterator():
        latest[booking_id] = status
    for booking_id, status in bookings.values_list("pk", "status").iterator():
        if latest.get(booking_id) != status:
            yield Violation(7, f"booking {booking_id}", f"is {status}, its last event says {latest.get(booking_id)}")


def i08_nothing_unfinished(scope: Scope) -> Iterator[Violation]:
    """When faults have stopped nothing is unfinished, and nothing was decided twice."""
    if scope.quiet:
        for plan in scope.plans().filter(finished_at=None):
            yield Violation(8, f"plan {plan.pk}", f"{plan.purpose} of booking {plan.booking_id} is unfinished")
        for movement in scope.movements().filter(status=MoneyMovement.Status.SENT):
            yield Violation(8, f"movement {movement.pk}", f"{movement.kind} was sent and never concluded")
    twice = scope.plans().filter(purpose__in=ONCE).values("payment_id", "purpose").annotate(count=Count("pk"))
    for row in twice.filter(count__gt=1):
        yield Violation(8, f"payment {row['payment_id']}", f"{row['purpose']} was decided {row['count']} times")
    captures = scope.movements().filter(status=MoneyMovement.Status.DONE, kind=MoneyMovement.Kind.CAPTURE)
    for again in captures.values("payment_id").annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(8, f"payment {again['payment_id']}", f"captured {again['count']} times")


def i10_one_effect_each(scope: Scope) -> Iterator[Violation]:
    """One set of parameters per idempotency key, one movement per Stripe object."""
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for request in scope.requests:
        if request.get("idempotency_key"):
            form = "&".join(sorted(str(request["form"]).split("&")))  # the same parameters in another order are the same
            asked[request.get("account") or "", request["idempotency_key"]].add(f"{request['path']} {form}")
    for (_, key), forms in asked.items():
        if len(forms) > 1:
            yield Violation(10, f"key {key}", f"was used with {len(forms)} sets of parameters")
    kinds = (MoneyMovement.Kind.REVERSE, MoneyMovement.Kind.TRANSFER, MoneyMovement.Kind.REFUND)
    done = scope.movements().filter(status=MoneyMovement.Status.DONE, kind__in=kinds)
    for row in done.values("stripe_id").annotate(count=Count("pk")).filter(count__gt=1):
        yield Violation(10, row["stripe_id"], f"belongs to {row['count']} movements")


def i11_one_mail_each(scope: Scope) -> Iterator[Violation]:
    """Every event that calls for mails has each of them once."""
    events = BookingEvent.objects.filter(kind__in=TOLD)
    if scope.payment_id:
        events = events.filter(booking__payment_id=scope.payment_id)
    mails: dict[str, Counter[str]] = defaultdict(Counter)
    for event_id, kind in MailLog.objects.values_list("event_id", "kind").iterator():
        mails[event_id][kind] += 1
    for event_id, kind in events.values_list("pk", "kind").iterator():
        wanted = Counter(f"{kind}.{role}" for role in TOLD[kind])
        if mails[event_id] != wanted:
            yield Violation(11, f"event {event_id}", f"mails {_words(mails[event_id])}, not {_words(wanted)}")


def _words(kinds: Iterable[str]) -> str:
    return ", ".join(sorted(kinds)) or "none"
