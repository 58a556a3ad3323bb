"""A student and an instructor talk: who may, what is unread, and a stream that misses nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import InstructorProfile, Service
from common import clock
from common.actors import Door
from common.ids import new_id
from community.models import Conversation, Message
from community.operations.conversations import open_conversation, send_message
from community.streams import Stream, TooManyStreams, places
from tests.support.factories import InstructorFactory, ServiceFactory, UserFactory

from .conftest import Given, api_of, client


@pytest.fixture
def talk(student: User, instructor: User) -> str:
    return str(api_of(student).post("conversations", with_id=instructor.pk)["id"])


def say(who: User, talk: str, text: str) -> Message:
    return send_message(actor=who.as_actor(Door.API), conversation_id=talk, text=text, now=clock.now())


def test_there_is_one_conversation_for_two_people(student: User, instructor: User, talk: str, given: Given) -> None:
    given()
    again = api_of(student).post("conversations", with_id=instructor.pk)
    assert (again["id"], again["other"]) == (talk, {"id": instructor.pk, "name": "Ina I."})
    theirs = api_of(instructor).post("conversations", with_id=student.pk)
    assert (theirs["id"], theirs["other"]["name"]) == (talk, "Sam S.")
    assert Conversation.objects.count() == 1


def test_who_may_write_to_whom(student: User, instructor: User, staff: User, service: Service, given: Given) -> None:
    stranger = UserFactory.create()
    unlisted = ServiceFactory.create(instructor=InstructorFactory.create(is_listed=False)).instructor
    for who, whom in ((student, stranger), (instructor, student), (student, unlisted.user), (student, student)):
        assert api_of(who).post("conversations", 404, with_id=whom.pk)["code"] == "not_found"
    api_of(student).post("conversations", 404, with_id=new_id())
    api_of(staff).post("conversations", 403, with_id=student.pk)
    assert Conversation.objects.count() == 0

    given()
    api_of(instructor).post("conversations", with_id=student.pk)
    InstructorProfile.objects.filter(pk=instructor.pk).update(is_listed=False)
    api_of(student).post("conversations", with_id=instructor.pk)
    assert Conversation.objects.count() == 1


def test_what_is_said_is_numbered_and_unread_until_it_is_read(student: User, instructor: User, talk: str) -> None:
    me, they = api_of(student), api_of(instructor)
    for text in ("Hello", "Do you teach on <b>Mondays</b>?"):
        sent = me.post(f"conversations/{talk}/messages", 201, text=text)
    assert (sent["number"], sent["is_mine"]) == (2, True)
    shown = they.get("conversations")["results"][0]
    assert (shown["unread"], shown["last_text"]) == (2, "Do you teach on <b>Mondays</b>?")
    assert (me.get("conversations")["results"][0]["unread"], shown["read_by_other"]) == (0, 2)

    assert they.post(f"conversations/{talk}/read", number=1)["unread"] == 1
    assert they.post(f"conversations/{talk}/read", number=0)["unread"] == 1
    assert they.post(f"conversations/{talk}/read", number=99)["unread"] == 0
    assert me.get("conversations")["results"][0]["read_by_other"] == 2
    they.post(f"conversations/{talk}/messages", 201, text="Yes")
    messages = me.get(f"conversations/{talk}/messages")["results"]
    assert [(one["number"], one["is_mine"]) for one in messages] == [(3, False), (2, True), (1, True)]


def test_somebody_elses_conversation_is_not_there(talk: str, student: User, staff: User) -> None:
    say(student, talk, "Secret")
    for somebody in (UserFactory.create(), InstructorFactory.create().user):
        api = api_of(somebody)
        assert api.get("conversations")["results"] == []
        for path in ("messages", "events"):
            api.get(f"conversations/{talk}/{path}", 404)
        api.post(f"conversations/{talk}/messages", 404, text="Hm")
        api.post(f"conversations/{talk}/read", 404, number=1)
    api_of(staff).get("conversations", 403)
    api_of(None).get("conversations", 401)
    assert Message.objects.count() == 1


def test_a_message_says_something_and_not_too_much(talk: str, student: User, instructor: User) -> None:
    for wrong in ("", "   ", "x" * 2001, "a\x00b", None, ["x"]):
        api_of(student).post(f"conversations/{talk}/messages", 400, text=wrong)
    User.objects.filter(pk=instructor.pk).update(is_active=False)
    refused = api_of(student).post(f"conversations/{talk}/messages", 422, text="Hello?")
    assert refused["code"] == "cannot_be_reached"
    assert Conversation.objects.get().last_number == Message.objects.count() == 0


def test_many_at_once_are_numbered_without_gaps(talk: str, student: User, instructor: User) -> None:
    def send(n: int) -> None:
        try:
            say(student if n % 2 else instructor, talk, str(n))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(12)))
    assert list(Message.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 13))
    assert Conversation.objects.get().last_number == 12


def test_many_conversations_take_as_many_queries_as_one(student: User) -> None:
    me, taken = api_of(student), []
    for count in (1, 4):
        while Conversation.objects.count() < count:
            other = ServiceFactory.create(instructor=InstructorFactory.create()).instructor.user
            opened = open_conversation(actor=student.as_actor(Door.API), person_id=other.pk, now=clock.now())
            say(other, opened.pk, "Hello")
        with CaptureQueriesContext(connection) as queries:
            assert len(me.get("conversations")["results"]) == count
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 6, taken


# --- The stream ------------------------------------------------------------------------------------------------------


def stream(talk: str, after: int, wait: Callable[[float], None] | None = None) -> list[str]:
    opened = Stream(
        conversation_id=talk, after=after, shown=lambda message: message.text, wait=wait or (lambda seconds: None)
    )
    try:
        return [chunk.decode() for chunk in opened]
    finally:
        opened.close()


def numbers(chunks: list[str]) -> list[int]:
    return [int(chunk.split("\n")[0].removeprefix("id: ")) for chunk in chunks if chunk.startswith("id: ")]


def test_a_stream_goes_on_where_it_stopped(talk: str, student: User, instructor: User) -> None:
    for n in range(3):
        say(student, talk, f"{n}\n\nid: 99")
    answer = client(instructor).get(f"/api/v1/conversations/{talk}/events", headers={"Last-Event-ID": "1"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    chunks = [chunk.decode() for chunk in answer.streaming_content]  # type: ignore[attr-defined]
    answer.close()
    assert chunks[0] == "retry: 1000\n\n"
    assert numbers(chunks) == [2, 3]
    kind, data = chunks[1].split("\n")[1:3]
    assert kind == "event: message"
    assert json.loads(data.removeprefix("data: "))["text"] == "1\n\nid: 99"
    for query, seen in (({"after": 2}, [3]), ({}, [])):
        follow = client(instructor).get(f"/api/v1/conversations/{talk}/events", query)
        assert numbers([chunk.decode() for chunk in follow.streaming_content]) == seen  # type: ignore[attr-defined]
        follow.close()


def test_what_is_said_while_somebody_listens_arrives_in_order(talk: str, student: User, settings: Any) -> None:
    settings.CONVERSATION_STREAM_SECONDS = 25
    waited: list[float] = []

    def wait(seconds: float) -> None:
        assert not connection.in_atomic_block
        waited.append(seconds)
        if len(waited) in (2, 3, 20):
            say(student, talk, "Now")

    chunks = stream(talk, 0, wait)
    assert numbers(chunks) == [1, 2, 3]
    assert sum(waited) == 25
    assert ": still here\n\n" in chunks


def test_there_is_room_for_so_many_streams_and_no_more(talk: str, student: User, settings: Any) -> None:
    settings.CONVERSATION_STREAMS = 2
    open_ones = [Stream(conversation_id=talk, after=0, shown=str) for _ in range(2)]
    with pytest.raises(TooManyStreams):
        Stream(conversation_id=talk, after=0, shown=str)
    refused = client(student).get(f"/api/v1/conversations/{talk}/events")
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert refused.json()["code"] == "too_many_streams"

    next(open_ones[0])
    for one in (*open_ones, open_ones[0]):
        one.close()
    assert places._taken == 0


@pytest.mark.parametrize("said", ["x", "-1", "1.5", "99999999999", "²"])
def test_a_last_event_that_is_none_is_refused(talk: str, student: User, said: str) -> None:
    answer = client(student).get(f"/api/v1/conversations/{talk}/events", headers={"Last-Event-ID": said})
    assert answer.status_code == 400
    assert places._taken == 0
