"""`conversations/{id}/events`: what is said, as it is said (server-sent events)."""

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api_view import Nothing
from accounts.problem_responses import invalid
from bookings.api.base import BookingApi
from community.models import Message
from community.queries import conversation_of
from community.streams import Stream

from .conversations import TakesLessonsOrGivesThem
from .documents import MessageDocument

LARGEST = 2_147_483_647


class EventFilters(serializers.Serializer[Any]):
    after = serializers.IntegerField(
        min_value=0, max_value=LARGEST, default=None, help_text="The number of the last message one has"
    )


class ConversationEvents(BookingApi):
    """New messages as server-sent events, for at most 25 seconds; then come back with `Last-Event-ID`, and nothing is missed.

    Each event `message` has the message's number as its id and the message as its data. Without `Last-Event-ID` or
    `after` it begins with what comes next.
    """

    permission_classes = (TakesLessonsOrGivesThem,)
    filters, answers = EventFilters, Nothing
    files = ("text/event-stream",)
    http_method_names = ("get", "options")
    operation_id = {"GET": "follow_conversation"}

    def get(self, request: Request, conversation_id: str) -> HttpResponseBase:
        conversation = conversation_of(self.user.pk, conversation_id)
        after = self._last_event_id()
        stream = Stream(
            conversation_id=conversation.pk,
            after=conversation.last_number if after is None else after,
            shown=self._shown,
        )
        return StreamingHttpResponse(
            stream,
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _last_event_id(self) -> int | None:
        """What a client that comes back has: the header wins, as browsers send it by themselves."""
        said = self.request.headers.get("Last-Event-ID", "").strip()
        if not said:
            after: int | None = self.query()["after"]
            return after
        if not (said.isascii() and said.isdigit() and len(said) <= 10 and int(said) <= LARGEST):
            raise invalid({"Last-Event-ID": ["The number of a message."]})
        return int(said)

    def _shown(self, message: Message) -> Any:
        return self.render(message, MessageDocument)
