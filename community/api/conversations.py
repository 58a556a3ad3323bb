"""`conversations`: a student and an instructor talk."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.base import BookingApi, LatestFirst, ListView
from common.actors import Role
from community.models import Conversation, Message
from community.operations import conversations
from community.queries import conversation_of, conversations_shown

from . import inputs
from .documents import ConversationDocument, MessageDocument


class TakesLessonsOrGivesThem(BasePermission):
    message = "This is for students and instructors."
    who = "student, instructor"

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.role in (Role.STUDENT, Role.INSTRUCTOR))


class LastSaidFirst(LatestFirst):
    ordering = ("-last_message_at", "-id")


class LastNumberFirst(LatestFirst):
    ordering = ("-number",)


class Conversations(ListView):
    """The caller's conversations, the one with the latest message first; POST opens one, or answers the one there is."""

    permission_classes = (TakesLessonsOrGivesThem,)
    takes, answers, pagination_class = inputs.OpenInput, ConversationDocument, LastSaidFirst
    operation_id = {"GET": "list_conversations", "POST": "open_conversation"}

    def rows(self) -> QuerySet[Conversation]:
        return conversations_shown(self.user.pk)

    def post(self, request: Request) -> Response:
        person_id = self.body()["with_id"]
        opened = conversations.open_conversation(actor=self.actor, person_id=person_id, now=self.now)
        return Response(self.render(conversation_of(self.user.pk, opened.pk)))


class Messages(ListView):
    """What was said, latest first; POST says something."""

    permission_classes = (TakesLessonsOrGivesThem,)
    takes, answers, answer_status = inputs.MessageInput, MessageDocument, 201
    pagination_class = LastNumberFirst
    operation_id = {"GET": "list_messages", "POST": "send_message"}

    def rows(self, conversation_id: str) -> QuerySet[Message]:
        return Message.objects.filter(conversation=conversation_of(self.user.pk, conversation_id).pk)

    def post(self, request: Request, conversation_id: str) -> Response:
        message = conversations.send_message(
            actor=self.actor, conversation_id=conversation_id, now=self.now, **self.body()
        )
        return Response(self.render(message), status=self.answer_status)


class Read(BookingApi):
    """Say up to which message one has read. It never goes back."""

    permission_classes = (TakesLessonsOrGivesThem,)
    takes, answers = inputs.ReadInput, ConversationDocument
    operation_id = {"POST": "mark_conversation_read"}

    def post(self, request: Request, conversation_id: str) -> Response:
        conversations.mark_read(actor=self.actor, conversation_id=conversation_id, **self.body())
        return Response(self.render(conversation_of(self.user.pk, conversation_id)))
