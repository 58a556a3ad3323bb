"""One money action at a time: the booking mutex (policy 9).

A lease with a fencing token. The default keeper is a row in PostgreSQL; Redis when REDIS_URL is set. Losing the keeper is
safe: the row lock and the one-unfinished-plan constraint hold underneath, and a holder whose lease was taken over is found
out by its fencing token before it moves money.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import structlog
from django.conf import settings
from django.db import connection

from .problems import OperationInProgress

LEASE = timedelta(seconds=90)  # longer than every Stripe timeout and retry together
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """A held mutex. `token` grows with every acquisition anywhere: the higher one is the younger holder."""

    key: str
    token: int


@contextmanager
def booking_mutex(booking_id: str) -> Iterator[Lease]:
    """Hold `booking:{id}:mutex` for the length of the block.

    Raises OperationInProgress when somebody else holds it: requests answer 429, jobs skip, webhooks are retried.
    """
    with mutex(f"booking:{booking_id}:mutex") as lease:
        yield lease


@contextmanager
def mutex(key: str) -> Iterator[Lease]:
    """Hold the named mutex for the length of the block. Raises OperationInProgress when it is taken."""
    keeper = settings.BOOKING_MUTEX
    if keeper == "redis":
        with _held_in_redis(key) as lease:
            yield lease
    elif keeper == "off":
        yield Lease(key, _next_token())
    else:
        with _held_in_postgres(key) as lease:
            yield lease


@contextmanager
def _held_in_postgres(key: str) -> Iterator[Lease]:
    lease = _acquire_row(key)
    if lease is None:
        raise OperationInProgress()
    try:
        yield lease
    finally:
        with connection.cursor() as cursor:  # only our own lease: the token says whose it is
            cursor.execute("DELETE FROM common_lease WHERE key = %s AND token = %s", [lease.key, lease.token])


def _acquire_row(key: str) -> Lease | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO common_lease (key, token, expires_at)"
            " VALUES (%s, nextval('common_fencing_token'), clock_timestamp() + %s * interval '1 second')"
            " ON CONFLICT (key) DO UPDATE SET token = EXCLUDED.token, expires_at = EXCLUDED.expires_at"
            " WHERE common_lease.expires_at <= clock_timestamp() RETURNING token",
            [key, LEASE.total_seconds()],
        )
        row = cursor.fetchone()
    return Lease(key, row[0]) if row else None


def _next_token() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('common_fencing_token')")
        return int(cursor.fetchone()[0])


@contextmanager
def _held_in_redis(key: str) -> Iterator[Lease]:
    """Redis as keeper; when it cannot be reached we say so and fall back to the row, which is as safe and slower."""
    import redis

    client, owner = _redis(settings.REDIS_URL), secrets.token_hex(16)
    try:
        taken = client.set(key, owner, nx=True, px=int(LEASE.total_seconds() * 1000))
    except redis.RedisError as error:
        log.error("mutex_server_lost", key=key, error=type(error).__name__)
        with _held_in_postgres(key) as lease:
            yield lease
        return
    if not taken:
        raise OperationInProgress()
    try:
        yield Lease(key, _next_token())
    finally:
        with suppress(redis.RedisError):
            client.eval(_RELEASE, 1, key, owner)


_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


@lru_cache(maxsize=2)
def _redis(url: str):  # type: ignore[no-untyped-def]  # redis-py types its client by decode mode
    import redis

    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
