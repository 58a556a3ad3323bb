"""A student and an instructor talk: opened by who has a reason to, numbered under a lock so that nobody misses a word."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from bookings.models import Booking
from catalog.models import InstructorProfile
from common.actors import Actor, Role
from common.problems import NotFound, Refused
from community.models import Conversation, Message
from community.queries import conversations_of


class CannotBeReached(Refused):
    """One of the two has no account any more."""

    code, title = "cannot_be_reached", "This person cannot be written to any more"
    remedy = "There is nothing to do: their account is closed."


def open_conversation(*, actor: Actor, person_id: str, now: datetime) -> Conversation:
    """The conversation with somebody, opened when there is none yet.

    A student may write to a listed instructor; either may write to whom they share a booking with. Anybody else is not
    there: raises NotFound.
    """
    student, instructor = (actor.id, person_id) if actor.role is Role.STUDENT else (person_id, actor.id)
    if not _may_talk(actor, student, instructor):
        raise NotFound("There is nobody like that you could write to.")
    conversation, _ = Conversation.objects.get_or_create(
        student_id=student, instructor_id=instructor, defaults={"created_at": now, "last_message_at": now}
    )
    return conversation


def send_message(*, actor: Actor, conversation_id: str, text: str, now: datetime) -> Message:
    """Say something; whoever says it has read what was there. Raises NotFound or CannotBeReached."""
    with transaction.atomic():
        conversation = _locked(conversation_id, actor)
        other = conversation.instructor_id if actor.id == conversation.student_id else conversation.student_id
        if not User.objects.filter(pk=other, is_active=True).exists():
            raise CannotBeReached()
        conversation.last_number += 1
        conversation.last_message_at = max(now, conversation.last_message_at)
        _mark(conversation, actor, conversation.last_number)
        conversation.save()
        return Message.objects.create(
            conversation=conversation,
            number=conversation.last_number,
            sender_id=actor.id,
            text=text.strip(),
            sent_at=now,
        )


def mark_read(*, actor: Actor, conversation_id: str, number: int) -> Conversation:
    """Say up to which message one has read. It never goes back, nor beyond the last one. Raises NotFound."""
    with transaction.atomic():
        conversation = _locked(conversation_id, actor)
        _mark(conversation, actor, min(number, conversation.last_number))
        conversation.save()
        return conversation


def _locked(conversation_id: str, actor: Actor) -> Conversation:
    found = conversations_of(actor.id).select_for_update().filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def _mark(conversation: Conversation, actor: Actor, number: int) -> None:
    side = "student_read" if actor.id == conversation.student_id else "instructor_read"
    setattr(conversation, side, max(number, getattr(conversation, side)))


def _may_talk(actor: Actor, student: str, instructor: str) -> bool:
    if Booking.objects.filter(Q(student=student, instructor=instructor)).exists():
        return True
    listed = InstructorProfile.objects.filter(pk=instructor, is_listed=True, user__is_active=True)
    return actor.role is Role.STUDENT and listed.exists()
