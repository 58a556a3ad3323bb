"""One more row of every kind that lists show. A list of something new needs a grower here."""

from collections.abc import Callable

from django.db import transaction

from bookings.models import BookingEvent
from common.actors import Door, Role
from common.ids import new_id
from community.operations import conversations, favorites, referrals, reviews
from sandbox_mode.people import PASSWORD, give_credits, make_person

from .account_requests import asked
from .world import World

CARDS = ("visa", "mastercard", "amex", "discover", "jcb")
Grow = Callable[[World], object]
GROWERS: list[Grow] = [World.scheduled, World.reported, World.bought, World.paid_out]


def grower(grow: Grow) -> Grow:
    """Register a function that adds a row of some kind."""
    GROWERS.append(grow)
    return grow


@grower
def card(world: World) -> None:
    world.card(f"pm_card_{CARDS[world.booked % len(CARDS)]}")


@grower
def credit(world: World) -> None:
    with transaction.atomic():
        give_credits(world.student.user, [{"amount_cents": 700}], now=world.now)


@grower
def history(world: World) -> None:
    """The one lesson's own history grows as well."""
    event = BookingEvent.objects.filter(booking=world.lesson).earliest("at")
    event.id = new_id()
    event.save(force_insert=True)


@grower
def review(world: World) -> None:
    student = world.student.user.as_actor(Door.API)
    reviews.write_review(actor=student, booking_id=world.taken().pk, rating=4, text="Again!", now=world.now)


@grower
def teacher(world: World) -> None:
    """Somebody else to find, to keep and to write to."""
    teacher, student = make_person(role=Role.INSTRUCTOR, now=world.now), world.student.user.as_actor(Door.API)
    favorites.keep_favorite(actor=student, instructor_id=teacher.user.pk, now=world.now)
    opened = conversations.open_conversation(actor=student, person_id=teacher.user.pk, now=world.now)
    for talked in (opened, world.talked):
        conversations.send_message(actor=student, conversation_id=talked.pk, text="And then?", now=world.now)


@grower
def pupil(world: World) -> None:
    """Somebody who came by the student's code, and who writes to the instructor."""
    pupil = make_person(role=Role.STUDENT, now=world.now).user.as_actor(Door.API)
    code = referrals.code_of(student=world.student.user, now=world.now).code
    referrals.redeem(actor=pupil, code=code, now=world.now)


@grower
def session(world: World) -> None:
    asked(world, "anonymous", "token", email=world.student.user.email, password=PASSWORD)
