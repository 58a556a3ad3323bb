"""What the community's endpoints answer. People are a first name and an initial here, for everybody."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.fields import TextOrNull
from catalog.models import InstructorProfile, Service
from catalog.tiers import tier_name
from community.models import Conversation, Message, Referral, Review

Document = serializers.Serializer


class TaughtDocument(Document[Service]):
    """A lesson on offer."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = TextOrNull()
    hourly_rate_cents = serializers.IntegerField()
    durations = serializers.ListField(child=serializers.IntegerField(), help_text="Minutes a lesson may last")
    modalities = serializers.ListField(child=serializers.CharField())


class RatingDocument(Document[InstructorProfile]):
    average = serializers.FloatField(source="rating", allow_null=True, help_text="1 to 5, to a tenth; null without any")
    count = serializers.IntegerField(source="rating_count")


class AreaDocument(Document[InstructorProfile]):
    """Roughly where lessons are given: a hundredth of a degree, about a kilometre."""

    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class InstructorDocument(Document[InstructorProfile]):
    """An instructor as anybody may see them."""

    id = serializers.CharField(source="pk")
    name = serializers.CharField(source="user.public_name")
    bio = TextOrNull()
    timezone = serializers.CharField(source="user.timezone")
    tier = serializers.SerializerMethodField(help_text="starting, established, top or founding")
    rating = RatingDocument(source="*")
    services = TaughtDocument(many=True, source="services.all")
    area = serializers.SerializerMethodField()
    distance_km = serializers.SerializerMethodField(help_text="From lat and lng, roughly; null without either place")
    next_free_at = serializers.SerializerMethodField(
        help_text="The first time in the next two weeks at which their shortest lesson can start; null: none"
    )
    is_favorite = serializers.SerializerMethodField(help_text="Of the caller")

    def get_tier(self, instructor: InstructorProfile) -> str:
        return tier_name(instructor.commission_bps, is_founding=instructor.is_founding)

    @extend_schema_field(AreaDocument(allow_null=True))
    def get_area(self, instructor: InstructorProfile) -> Any:
        return AreaDocument(instructor).data if instructor.latitude is not None else None

    def get_distance_km(self, instructor: InstructorProfile) -> int | None:
        distance = getattr(instructor, "distance_km", None)
        return None if distance is None else round(distance)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_free_at(self, instructor: InstructorProfile) -> Any:
        free = self.context["next_free"].get(instructor.pk)
        return serializers.DateTimeField().to_representation(free) if free else None

    def get_is_favorite(self, instructor: InstructorProfile) -> bool:
        return instructor.pk in self.context["favorites"]


class ReviewDocument(Document[Review]):
    """A review; only support is told that, when and why one is hidden."""

    id = serializers.CharField()
    student = serializers.CharField(source="student.public_name")
    service = serializers.CharField(source="booking.service.name")
    rating = serializers.IntegerField()
    text = TextOrNull()
    created_at = serializers.DateTimeField()
    response = TextOrNull()
    responded_at = serializers.DateTimeField(allow_null=True)


class HiddenReviewDocument(ReviewDocument):
    hidden_at = serializers.DateTimeField(allow_null=True)
    hidden_reason = TextOrNull()


class CameDocument(Document[Referral]):
    """Somebody who came by the caller's code."""

    id = serializers.CharField()
    name = serializers.CharField(source="referred.public_name")
    created_at = serializers.DateTimeField()
    rewarded_at = serializers.DateTimeField(allow_null=True, help_text="When the credit was given; null: not yet")
    reward_cents = serializers.IntegerField()


class RedeemedDocument(Document[Any]):
    referrer = serializers.CharField(source="referrer.public_name")
    created_at = serializers.DateTimeField()


class OtherDocument(Document[Any]):
    id = serializers.CharField(source="pk")
    name = serializers.CharField(source="public_name")


class ConversationDocument(Document[Conversation]):
    """A conversation from the caller's side."""

    id = serializers.CharField()
    other = serializers.SerializerMethodField(help_text="The other side")
    created_at = serializers.DateTimeField()
    last_message_at = serializers.DateTimeField(help_text="When it was opened, before the first message")
    last_number = serializers.IntegerField(help_text="How many messages there are")
    last_text = serializers.CharField(allow_null=True)
    unread = serializers.SerializerMethodField(help_text="Messages the caller has not read")
    read_by_other = serializers.SerializerMethodField(help_text="Up to which number the other side has read")

    @extend_schema_field(OtherDocument)
    def get_other(self, conversation: Conversation) -> Any:
        return OtherDocument(conversation.instructor if self._am_student(conversation) else conversation.student).data

    def get_unread(self, conversation: Conversation) -> int:
        mine = conversation.student_read if self._am_student(conversation) else conversation.instructor_read
        return conversation.last_number - mine

    def get_read_by_other(self, conversation: Conversation) -> int:
        return conversation.instructor_read if self._am_student(conversation) else conversation.student_read

    def _am_student(self, conversation: Conversation) -> bool:
        return bool(self.context["viewer"].pk == conversation.student_id)


class MessageDocument(Document[Message]):
    """What was said, as plain text: escape it where you show it."""

    id = serializers.CharField()
    number = serializers.IntegerField(help_text="1, 2, 3 … within the conversation")
    is_mine = serializers.SerializerMethodField()
    text = serializers.CharField()
    sent_at = serializers.DateTimeField()

    def get_is_mine(self, message: Message) -> bool:
        return bool(self.context["viewer"].pk == message.sender_id)
