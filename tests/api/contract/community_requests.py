"""One good request for every endpoint of finding, reviewing, recommending and talking, and what lists show of them."""

from common.actors import Door
from community.models import Review
from community.operations import favorites, referrals, reviews

from .requests import Sent, a_booking, nothing, row
from .world import World


def reviewed(world: World) -> Review:
    """The student says something of a lesson that took place."""
    lesson = world.taken()
    student = world.student.user.as_actor(Door.API)
    return reviews.write_review(actor=student, booking_id=lesson.pk, rating=5, text="Patient.", now=world.now)


row("GET search", "GET instructors", "GET favorites", "GET conversations", "GET referrals", "GET referrals/people")(
    nothing
)
row("GET instructor/profile", "GET payments/transactions", "GET admin/audit")(nothing)
row("GET instructors/{instructor_id}", "GET instructors/{instructor_id}/reviews")(
    lambda world: Sent({"instructor_id": world.instructor.user.pk})
)
row("PATCH instructor/profile")(lambda world: Sent(body={"bio": "Twenty years of scales."}))
row("GET bookings/{booking_id}/receipt")(a_booking)


@row("PUT favorites/{instructor_id}", "DELETE favorites/{instructor_id}")
def an_instructor(world: World) -> Sent:
    favorites.drop_favorite(actor=world.student.user.as_actor(Door.API), instructor_id=world.instructor.user.pk)
    return Sent({"instructor_id": world.instructor.user.pk})


row("POST reviews")(lambda world: Sent(body={"booking_id": world.taken().pk, "rating": 4, "text": "Patient."}))
row("POST reviews/{review_id}/respond")(lambda world: Sent({"review_id": reviewed(world).pk}, {"text": "Thank you."}))
row("POST admin/reviews/{review_id}/hide")(
    lambda world: Sent({"review_id": reviewed(world).pk}, {"reason": "It names somebody."})
)


@row("POST admin/reviews/{review_id}/show")
def hidden(world: World) -> Sent:
    review = reviewed(world)
    reviews.hide_review(
        actor=world.finance.user.as_actor(Door.API), review_id=review.pk, reason="A mistake.", now=world.now
    )
    return Sent({"review_id": review.pk})


row("POST conversations")(lambda world: Sent(body={"with_id": world.instructor.user.pk}))
row("GET conversations/{conversation_id}/messages", "GET conversations/{conversation_id}/events")(
    lambda world: Sent({"conversation_id": world.talked.pk})
)
row("POST conversations/{conversation_id}/messages")(
    lambda world: Sent({"conversation_id": world.talked.pk}, {"text": "Bring the blue one."})
)
row("POST conversations/{conversation_id}/read")(
    lambda world: Sent({"conversation_id": world.talked.pk}, {"number": 1})
)


@row("POST referrals/redeem")
def a_code(world: World) -> Sent:
    """Of somebody else, for the other student, who never had a lesson."""
    return Sent(body={"code": referrals.code_of(student=world.student.user, now=world.now).code})
