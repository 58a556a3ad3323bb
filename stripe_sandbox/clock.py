"""The sandbox's own clock: ticks in real time from an offset, can be turned forward, can be frozen, never goes back."""

import time
from datetime import UTC, datetime

from stripe_sandbox.store import Store


class ClockError(ValueError):
    """The clock was asked to do what it does not do."""


class Clock:
    """What time it is in the sandbox, in seconds since 1970; kept in the state file."""

    def __init__(self, store: Store) -> None:
        self._store = store
        state = store.meta("clock", {"offset": 0.0, "frozen_at": None})
        self._offset: float = state["offset"]
        self._frozen_at: float | None = state["frozen_at"]
        self._floor: float = store.meta("clock_floor", 0.0)

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._frozen_at is not None

    def now(self) -> float:
        """The time, never less than it was before."""
        real = self._frozen_at if self._frozen_at is not None else time.time() + self._offset
        self._floor = max(self._floor, real)
        return self._floor

    def move_to(self, at: float) -> None:
        """Turn it forward. Raises ClockError when that would be backwards."""
        now = self.now()
        if at < now - 0.001:
            raise ClockError(f"the sandbox clock never goes back: it is {iso(now)}, asked for {iso(at)}")
        if self._frozen_at is not None:
            self._frozen_at = max(at, now)
        else:
            self._offset += max(at - now, 0.0)
        self._keep()

    def freeze(self, frozen: bool) -> None:
        """Stop it, or let it tick on from where it stands."""
        now = self.now()
        self._frozen_at = now if frozen else None
        if not frozen:
            self._offset = now - time.time()
        self._keep()

    def reset(self) -> None:
        """Back to the computer's time, ticking. Only with a state that was emptied."""
        self._offset, self._frozen_at, self._floor = 0.0, None, 0.0
        self._keep()

    def _keep(self) -> None:
        self._store.set_meta("clock", {"offset": self._offset, "frozen_at": self._frozen_at})
        self._store.set_meta("clock_floor", self._floor)


def iso(at: float) -> str:
    """A time as text, in UTC, such as 2026-09-01T12:00:00Z."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def parse_time(value: object) -> float:
    """Seconds since 1970 from a number or from text such as 2026-09-01T12:00:00Z."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise ClockError(f"not a time: {value!r}; give 2026-09-01T12:00:00Z or seconds since 1970") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
