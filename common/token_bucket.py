"""Counters that all processes share in PostgreSQL: request limits per window, and the pace of calls to Stripe."""

import time

from django.db import connection


def current_window(window_seconds: int) -> int:
    """The number of the window of so many seconds that the machine's clock is in."""
    return int(time.time()) // window_seconds


def count(key: str, *, window_seconds: int) -> int:
    """Count one use of `key` in the current window of the machine's clock and return how many there were."""
    return count_all([key], window_seconds=window_seconds)[key]


def count_all(keys: list[str], *, window_seconds: int) -> dict[str, int]:
    """Count one use of each key at once. Keys are taken in one order everywhere, so that two callers never deadlock."""
    window = current_window(window_seconds)
    rows = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO common_counter (key, time_window, uses) VALUES {', '.join(['(%s, %s, 1)'] * len(rows))}"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET"
            " uses = CASE WHEN common_counter.time_window = EXCLUDED.time_window THEN common_counter.uses + 1 ELSE 1 END,"
            " time_window = EXCLUDED.time_window, used_at = now() RETURNING key, uses",
            [value for key in rows for value in (key, window)],
        )
        return dict(cursor.fetchall())


def give_back(key: str, *, window_seconds: int, uses: int = 1) -> None:
    """Take back uses of `key` in the current window: they turned out not to count."""
    window = current_window(window_seconds)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE common_counter SET uses = greatest(uses - %s, 0) WHERE key = %s AND time_window = %s",
            [uses, key, window],
        )


def reserve_slot(key: str, *, per_second: int) -> float:
    """Take the next free slot of a steady pace; returns how many seconds to wait before using it.

    Every caller moves the shared next-free instant forward by 1/per_second, so all processes together stay under the pace;
    up to a quarter of a second of unused pace may be spent at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO common_pace (key, next_free) VALUES (%s, clock_timestamp())"
            " ON CONFLICT (key) DO UPDATE SET next_free ="
            " greatest(common_pace.next_free, clock_timestamp() - interval '0.25 s') + %s * interval '1 second'"
            " RETURNING extract(epoch FROM next_free - clock_timestamp())",
            [key, 1 / per_second],
        )
        return max(0.0, float(cursor.fetchone()[0]))


def purge() -> int:
    """Forget counters that nobody used for a day; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM common_counter WHERE used_at < now() - interval '1 day'")
        return int(cursor.rowcount)
