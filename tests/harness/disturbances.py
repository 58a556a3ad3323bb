"""What else goes wrong around an operation: Stripe's events come over and over, late and in any order; clocks are off."""

import json
import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction

from payments import webhook_inbox
from payments.gateway import client, pages
from payments.models import Payment

from .facts import Facts, facts
from .matrix import Options, Tell
from .registry import Operation
from .verbs import VERBS
from .verdicts import TRIES, References, Violation, attempt, over, wrong_with
from .world import HOUR, Staged, World

TIMES, LOST, LATE = 5, 0.1, 72 * HOUR
CLOCK_OFF = timedelta(minutes=5)


def events_disturbed(world: World, operation: Operation, options: Options, tell: Tell) -> int:
    """Every event of an operation, five times over, shuffled, one in ten lost, three days late: as if told once in order."""
    expected, count = _told(world, operation, lambda events: events)
    dice = random.Random(f"{options.seed}:{operation.name}")

    def disturbed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        copies = [event for event in events for _ in range(TIMES) if dice.random() >= LOST]
        dice.shuffle(copies)
        return copies

    name = f"webhooks: {operation.name}"
    found, _ = _told(world, operation, disturbed, late=LATE, name=name, expected=expected)
    tell(
        Violation(name, [f"{count} events, {TIMES} times, shuffled, late"], found["wrong"]) if found["wrong"] else None
    )
    return count


def _told(
    world: World,
    operation: Operation,
    arrange: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    *,
    late: timedelta = timedelta(),
    name: str = "",
    expected: Facts | None = None,
) -> tuple[Facts, int]:
    s = operation.stage(world)
    world.plays(s, name)
    attempt(operation.verb, s, s.now)
    events = list(_events_of(s))
    told = arrange(events)
    for number in range(0, len(told), 3):
        _tell(s, told[number : number + 3], late)
    _tell(s, [], late)
    wrong = wrong_with(s, *([expected] if expected else []))
    found = {**facts(s), **({"wrong": wrong} if expected else {})}
    over(s)
    return found, len(events)


def _tell(s: Staged, events: Iterable[dict[str, Any]], late: timedelta) -> None:
    for event in events:
        with transaction.atomic():
            webhook_inbox.store(event)
    s.world.make_due(s)
    attempt(VERBS["stripe_events"], s, s.now + late)


def _events_of(s: Staged) -> Iterable[dict[str, Any]]:
    """All that Stripe has said of this case, oldest first."""
    known = Payment.objects.filter(pk__in=s.payment_ids).values_list("pk", "payment_intent_id", "charge_id")
    ids = [an_id for an_id in (*(one for row in known for one in row), s.dispute_id) if an_id]
    listed = pages(client().v1.events.list, {"created": {"gte": int(s.booking.created_at.timestamp()) - 1}})
    return reversed([event for event in listed if any(an_id in json.dumps(event) for an_id in ids)])


def clock_off(world: World, operation: Operation, options: Options, tell: Tell) -> int:
    """A worker whose clock is five minutes slow or fast performs it; then one whose clock is right."""
    references = References(world, operation)
    expected = references.alone
    for off in (-CLOCK_OFF, CLOCK_OFF):
        s = operation.stage(world)
        name = f"clock: {operation.name}"
        world.plays(s, name)
        answer = attempt(operation.verb, s, s.now + off)
        story = [f"a worker {off / timedelta(minutes=1):+.0f} minutes off: {answer or 'done'}"]
        world.resume(s, s.now)
        if operation.verb.asks_again or answer not in ("", *operation.refuses):
            story.append(f"one whose clock is right: {attempt(operation.verb, s, s.now) or 'done'}")
        wrong = wrong_with(s, expected, ignoring=TRIES)  # a slow clock tries once more before it gives up
        over(s)
        tell(Violation(name, story, wrong) if wrong else None)
    return 2


DISTURBANCES: dict[str, Callable[[World, Operation, Options, Tell], int]] = {
    "webhooks": events_disturbed,
    "clock": clock_off,
}
