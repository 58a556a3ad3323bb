"""Server-sent events of a conversation: short questions to the database, no transaction, a bounded number a process.

Messages are numbered under the conversation's lock, so that after number n nothing up to n can still appear: a client
that comes back with the number it has misses nothing.
"""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator

from django.conf import settings

from common.problems import Problem

from .models import Message
from .queries import messages_after

ASK_EVERY_SECONDS = 1.0
SAY_SOMETHING_EVERY = 10  # questions: a comment that keeps proxies from thinking that nobody is there
COME_BACK_AFTER_MS = 1000


class TooManyStreams(Problem):
    """Every stream holds a thread of the web server; beyond so many the others must keep answering."""

    status, code, title = 503, "too_many_streams", "Too many conversations are being followed right now"
    remedy = "Try again after `Retry-After` seconds, or read the messages instead."
    retry_after = 5


class Places:
    """How many streams this process has under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> None:
        """Raises TooManyStreams when there is no place left."""
        with self._lock:
            if self._taken >= settings.CONVERSATION_STREAMS:
                raise TooManyStreams()
            self._taken += 1

    def give_back(self) -> None:
        with self._lock:
            self._taken -= 1


places = Places()


class Stream:
    """The text of a stream, from after a number, until its time is over. Holds a place until it is closed."""

    def __init__(
        self,
        *,
        conversation_id: str,
        after: int,
        shown: Callable[[Message], object],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        places.take()
        self._open = True
        self._chunks = self._events(conversation_id, after, shown, wait)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks).encode()

    def close(self) -> None:
        """Give the place back, however it ended; also when nobody ever read from it."""
        self._chunks.close()
        if self._open:
            self._open = False
            places.give_back()

    @staticmethod
    def _events(
        conversation_id: str, after: int, shown: Callable[[Message], object], wait: Callable[[float], None]
    ) -> Generator[str]:
        yield f"retry: {COME_BACK_AFTER_MS}\n\n"
        questions = int(settings.CONVERSATION_STREAM_SECONDS / ASK_EVERY_SECONDS)
        for asked in range(questions + 1):
            if asked:
                wait(ASK_EVERY_SECONDS)
            messages = messages_after(conversation_id, after)
            for message in messages:
                after = message.number
                yield f"id: {message.number}\nevent: message\ndata: {json.dumps(shown(message))}\n\n"
            if not messages and asked % SAY_SOMETHING_EVERY == SAY_SOMETHING_EVERY - 1:
                yield ": still here\n\n"
