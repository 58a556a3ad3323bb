"""What happened to the lessons that something is wrong with, and the shortest story that shows it."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from bookings.models import Booking, BookingEvent
from payments.models import LedgerLine, MoneyMovement, MoneyPlan
from tests.support.sandbox import Sandbox

from .acts import Act
from .ground import START
from .market import a_world
from .world import SCHEDULE, Done, World

ID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
OBJECT = re.compile(r"\b[a-z]{2,4}_\w{8,}")
GLOBAL = frozenset(("jobs_rest", "stripe_down", "stripe_up", "forget_keys", "newcomer", "pay_out", "return_payout"))
Wrong = list[str]


def lessons_in(world: World, wrong: Iterable[str]) -> set[int]:
    """The lessons that what is wrong speaks of."""
    text = "\n".join(wrong)
    found = {int(number) for number in re.findall(r"\blesson (\d+)\b", text)}
    payments = set(ID.findall(text))
    payments |= set(Booking.objects.filter(pk__in=payments).values_list("payment_id", flat=True))
    payments |= set(MoneyPlan.objects.filter(pk__in=payments).values_list("payment_id", flat=True))
    payments |= set(
        LedgerLine.objects.filter(stripe_source__in=OBJECT.findall(text)).values_list("entry__payment_id", flat=True)
    )
    payments |= set(
        MoneyMovement.objects.filter(stripe_id__in=OBJECT.findall(text)).values_list("payment_id", flat=True)
    )
    return found | {number for number, payment in world.lessons.items() if payment in payments}


def kind_of(wrong: str) -> str:
    """The same for the same mistake on another lesson: its last line, without ids and numbers."""
    first = wrong.strip().splitlines()[-1]
    return re.sub(r"[A-Za-z]+_[A-Za-z0-9]{8,}|\d+", "#", ID.sub("#", first))[:60]


def chronicle(world: World, lesson: int) -> list[str]:
    """Everything that is known of a lesson, in order."""
    lines = [(done.act.at, f"{done.act}  ->  {done.result}") for done in world.done if _touches(done, lesson)]
    payment_id = world.lessons.get(lesson, "-")
    for event in BookingEvent.objects.filter(booking__payment_id=payment_id).order_by("at", "id"):
        change = f"{event.payment_status_from} -> {event.payment_status_to}"
        amounts = {name: cents for name, cents in event.amounts.items() if cents}
        lines.append((event.at, f"    {event.kind} by {event.actor_role}/{event.door}: {change} {amounts or ''}"))
    for move in (
        MoneyMovement.objects.filter(payment_id=payment_id).select_related("plan").order_by("plan_id", "position")
    ):
        said = f"{move.plan.purpose}: {move.kind} {move.purpose} {move.amount_cents} {move.status} {move.error_code}"
        lines.append((move.done_at or move.sent_at or move.plan.decided_at, f"        {said} {move.idempotency_key}"))
    return [f"{at:%d %b %H:%M:%S} {text}" for at, text in sorted(lines, key=lambda line: line[0])]


def _touches(done: Done, lesson: int) -> bool:
    return lesson in {done.act.lesson, *(other.lesson for other in done.act.beside)}


def tell_again(acts: list[Act], seed: str, people: int, sandbox: Sandbox, *, days_after: int = 8) -> Wrong:
    """The acts once more, in a new world, with nothing else but the jobs; what is wrong at the end of its days."""
    with a_world(seed, people, sandbox) as world:
        day = START + timedelta(days=2)
        for act in acts:
            while act.at >= day:
                world.run_until(day - timedelta(minutes=2))
                if wrong := world.close_day():
                    return wrong
                day += timedelta(days=1)
            world.run_until(act.at)
            if act.what == "book" or not act.lesson or act.lesson in world.lessons:
                world.perform(act)
        for _ in range(days_after):
            world.run_until(day - timedelta(minutes=2))
            if wrong := world.close_day():
                return wrong
            day += timedelta(days=1)
    return []


def shortest(
    done: list[Done], lessons: set[int], wrong: Wrong, retell: Callable[[list[Act]], Wrong], *, seconds: float
) -> list[Act] | None:
    """The fewest acts that still show the same mistake; None when it takes more than these lessons to show it."""
    until = time.monotonic() + seconds
    kinds = {kind_of(one) for one in wrong}

    def shows(acts: list[Act]) -> bool:
        return bool(kinds & {kind_of(one) for one in retell(acts)})

    own = [d.act for d in done if d.act.who != SCHEDULE]
    story = next(
        (
            acts
            for acts in (
                [act for act in own if act.lesson in lessons],
                [act for act in own if act.lesson in lessons or act.what in GLOBAL],
            )
            if shows(acts)
        ),
        None,
    )
    if story is None:
        return None
    number = len(story) - 1
    while number >= 0 and time.monotonic() < until:
        shorter = story[:number] + story[number + 1 :]
        if shows(shorter):
            story = shorter
        elif (plain := replace(story[number].alone(), door="operation")) != story[number]:
            simpler = [*story[:number], plain, *story[number + 1 :]]
            story = simpler if shows(simpler) else story
        number -= 1
    return story
