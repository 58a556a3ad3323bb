"""What doors read of the community, each in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from catalog.models import InstructorProfile, Service
from common.problems import NotFound
from payments.models import Payment
from payments.vocabulary import Outcome

from .models import Conversation, Favorite, Message, Referral, Review


def favorites_among(student_id: str, instructors: Iterable[InstructorProfile]) -> frozenset[str]:
    """Which of these a person has kept, by id. One query."""
    ids = [instructor.pk for instructor in instructors]
    kept = Favorite.objects.filter(student=student_id, instructor__in=ids).values_list("instructor", flat=True)
    return frozenset(kept)


def favorites_of(student_id: str) -> QuerySet[Favorite]:
    """The instructors somebody has kept who can still be found, latest first."""
    offered = Service.objects.filter(is_active=True).order_by("hourly_rate_cents", "name", "id")
    favorites = Favorite.objects.filter(
        student=student_id, instructor__is_listed=True, instructor__user__is_active=True
    )
    return (
        favorites.filter(Exists(offered.filter(instructor=OuterRef("instructor"))))
        .select_related("instructor__user")
        .prefetch_related(Prefetch("instructor__services", offered))
        .order_by("-created_at", "-id")
    )


def reviews_of(instructor_id: str) -> QuerySet[Review]:
    """The reviews of an instructor that are shown, latest first."""
    shown = Review.objects.filter(instructor=instructor_id, hidden_at=None)
    return shown.select_related("student", "booking__service").order_by("-created_at", "-id")


def review_shown(review_id: str) -> Review:
    """One review with what its document needs. Raises NotFound."""
    found = Review.objects.select_related("student", "booking__service").filter(pk=review_id).first()
    if found is None:
        raise NotFound("There is no such review.")
    return found


def referrals_of(student_id: str) -> QuerySet[Referral]:
    """Who came by somebody's code, latest first."""
    return Referral.objects.filter(referrer=student_id).select_related("referred").order_by("-created_at", "-id")


def referrals_to_reward(limit: int) -> list[str]:
    """Referrals not rewarded yet whose person has had a lesson that was paid."""
    paid = Payment.objects.filter(student=OuterRef("referred"), settlement_outcome=Outcome.LESSON_COMPLETED)
    due = Referral.objects.filter(Exists(paid), rewarded_at=None)
    return list(due.order_by("created_at", "id").values_list("pk", flat=True)[:limit])


def conversations_of(user_id: str) -> QuerySet[Conversation]:
    """Somebody's conversations, on either side."""
    return Conversation.objects.filter(Q(student=user_id) | Q(instructor=user_id))


def conversations_shown(user_id: str) -> QuerySet[Conversation]:
    """The same with people and the last words said, latest first. One query."""
    last = Message.objects.filter(conversation=OuterRef("pk"), number=OuterRef("last_number"))
    return (
        conversations_of(user_id)
        .select_related("student", "instructor")
        .annotate(last_text=Subquery(last.values("text")[:1]), last_sender=Subquery(last.values("sender")[:1]))
        .order_by("-last_message_at", "-id")
    )


def conversation_of(user_id: str, conversation_id: str) -> Conversation:
    """One of somebody's conversations. Raises NotFound: somebody else's is not there."""
    found = conversations_shown(user_id).filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def messages_after(conversation_id: str, number: int, limit: int = 100) -> list[Message]:
    """What was said after a number, in order."""
    return list(Message.objects.filter(conversation=conversation_id, number__gt=number).order_by("number")[:limit])


@dataclass(frozen=True, slots=True)
class Earned:
    """What referring has brought somebody."""

    came: int
    rewarded: int
    reward_cents: int


def earned_by(student_id: str) -> Earned:
    """One query."""
    rewards = list(Referral.objects.filter(referrer=student_id).values_list("reward_cents", flat=True))
    given = [cents for cents in rewards if cents]
    return Earned(came=len(rewards), rewarded=len(given), reward_cents=sum(given))
