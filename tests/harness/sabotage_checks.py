"""Stories made for one protection each, where the registry has none that would notice."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from bookings.models import Booking
from bookings.operations import book_lesson, check_out
from common.problems import Problem
from credits.models import CreditLot
from payments import webhook_inbox
from payments.models import StripeEventInbox

from . import stages as at
from .children import Child
from .races_play import IN_PROGRESS, Ended, Stopping, ended, perform, until_ended_or_blocked
from .verbs import VERBS
from .verdicts import audited
from .world import HOUR, Staged, World

DECISION = "payments_moneyplan"


def an_overtaken_holder_stops(world: World) -> list[str]:
    """A canceller stops for longer than its lease; the recovery job takes over; the canceller wakes up."""
    s = at.held(world, hours=6)
    verb = VERBS["cancel_by_student"]
    sleeper = Stopping(lambda act: perform(verb, s, act), lambda b: b.moment == "after" and DECISION in b.what)
    sleeper.next_stop()
    world.expire_leases()

    def carry_on(act: object) -> Ended:
        from .boundaries import watching

        with watching(act):  # type: ignore[arg-type]
            world.resume(s, s.now)
        return Ended("", True)

    younger = Stopping(carry_on, lambda b: b.moment == "before" and b.what.startswith("POST"))
    younger.next_stop()
    woken = sleeper.end()
    younger.end()
    wrong = [] if woken.code == IN_PROGRESS else [f"overtaken, it went on and ended: {woken.code or 'done'}"]
    return [*wrong, *audited(world)]


def two_checkouts_share_no_cent(world: World) -> list[str]:
    """Two bookings of one student are checked out at once with the same credit."""
    s = at.booked(world, hours=30, credits=3000)
    other = book_lesson(
        actor=s.cast.as_student, service_id=s.cast.instructor.services[0].pk, duration_minutes=60,
        starts_at=s.booking.starts_at + 3 * HOUR, location_type="online", now=s.now,
    ).booking  # fmt: skip
    first = VERBS["check_out_with_credits"]

    def second() -> Ended:
        check_out(booking_id=other.pk, actor=s.cast.as_student, requested_credit_cents=5000, now=s.now)
        return Ended("", True)

    a = Stopping(lambda act: perform(first, s, act), lambda b: b.moment == "before" and DECISION in b.what)
    a.next_stop()
    b = Child(second)
    until_ended_or_blocked(b)
    ends = [a.end(), ended(b.wait())]
    reserved = sum(lot.amount_cents for lot in CreditLot.objects.filter(owner=s.cast.student.user, status="reserved"))
    wrong = [bug for end in ends for bug in end.bugs]
    return [*wrong, *([] if reserved == 3000 else [f"{reserved} of 3000 cents are reserved"]), *audited(world)]


def the_slot_is_secured_first(world: World) -> list[str]:
    """While the money of a moved lesson moves, somebody else wants its new time."""
    s = at.held(world)
    verb, start = VERBS["reschedule_to_later"], s.booking.starts_at + 96 * HOUR
    mover = Stopping(lambda act: perform(verb, s, act), lambda b: b.moment == "after" and b.what.endswith("/capture"))
    mover.next_stop()
    other = world.cast(s.now)
    try:
        other.book(start, now=s.now)
        taken = True
    except Problem:
        taken = False
    end = mover.end()
    wrong = [*end.bugs, *(["the new time was given to somebody else"] if taken else [])]
    moved = Booking.objects.filter(payment_id=s.payment_id, status="CONFIRMED", starts_at=start).exists()
    return [*wrong, *([] if moved else [f"the lesson was not moved: {end}"])]


def events_count_once(world: World) -> list[str]:
    """Stripe tells of a dispute five times over."""
    s = at.disputed(at.settled(world))
    told = [event for event in at.events(("charge.dispute.created",)) if event["data"]["object"]["id"] == s.dispute_id]
    for event in told * 5:
        with transaction.atomic():
            webhook_inbox.store(event)
    rows = StripeEventInbox.objects.filter(object_id=s.dispute_id).count()
    VERBS["stripe_events"].run(s, s.now)
    return [*([] if rows == 1 else [f"one event was stored {rows} times"]), *audited(world)]


def released_credit_keeps_its_date(world: World) -> list[str]:
    """Credit comes back from a cancelled lesson as it went."""
    s = at.scheduled(world, credits=5000)
    dates = _dates(s)
    s.at(s.now + HOUR)
    VERBS["cancel_by_student"].run(s, s.now)
    return [] if _dates(s) == dates else ["released credit has another expiry than before"]


def _dates(s: Staged) -> set[datetime]:
    return set(CreditLot.objects.filter(owner=s.cast.student.user).values_list("expires_at", flat=True))


def elapsed_hours_count(world: World) -> list[str]:
    """Cancelled 23 h 30 min before a lesson that is 24 h 30 min away by the clock on the wall."""
    start = _noon_after_the_clocks_change(world.begin())
    s = _scheduled_at(world, start)
    s.at(start - 23.5 * HOUR)
    VERBS["place_hold"].run(s, s.now)
    VERBS["cancel_by_student"].run(s, s.now)
    outcome = s.payment.settlement_outcome
    return [] if outcome == "student_cancel_12_24_full_credit" else [f"cancelled 23.5 h before as {outcome}"]


def _scheduled_at(world: World, start: datetime) -> Staged:
    world.move_to(start - 100 * HOUR)
    now = world.now()
    cast = world.cast(now)
    booking = cast.book(start, now=now)
    world.taken_until(booking.ends_at)
    cast.check_out(booking, now=now)
    return Staged(world, cast, booking.pk, booking.payment_id, now)


def _noon_after_the_clocks_change(now: datetime) -> datetime:
    """Noon in New York on the next second Sunday of March, UTC."""
    for year in (now.year, now.year + 1):
        first = datetime(year, 3, 1, 16, tzinfo=UTC)
        sunday = first + timedelta(days=(6 - first.weekday()) % 7 + 7)
        if sunday > now + timedelta(days=6):
            return sunday
    raise AssertionError("unreachable")
