"""Guessing passwords and codes: after so many failures in fifteen minutes nobody is let in until they are over.

Every try counts before it is checked, so that many at once cannot slip through, and is given back when it was right.
Accounts that do not exist are counted like those that do.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from common import clock
from common.problems import RateLimited
from common.token_bucket import count, give_back

WINDOW_SECONDS = 15 * 60
FAILURES_HERE = 10  # of one account, from one address
FAILURES_ANYWHERE = 100  # of one account
FAILURES_OF_ADDRESS = 300  # of one address, whichever accounts
MAILS = 5  # with a code, to one address


class TooManyFailures(RateLimited):
    """Wrong passwords or codes, too often. `Retry-After` says when it is worth trying again."""

    code, title = "too_many_failures", "Too many failures"
    remedy = "Wait as long as Retry-After says, then try again or reset the password."


@dataclass(slots=True)
class Try:
    """One try; `was_right` says that it is no failure."""

    is_right: bool = False

    def was_right(self) -> None:
        self.is_right = True


@contextmanager
def guarded(kind: str, *, account: str, address: str) -> Iterator[Try]:
    """Try once to get into an account. Raises TooManyFailures without trying."""
    who = hashlib.sha256(account.encode()).hexdigest()[:32]
    limits = {
        f"failures:{kind}:{who}:{address}": FAILURES_HERE,
        f"failures:{kind}:{who}": FAILURES_ANYWHERE,
        f"failures:{kind}:at:{address}": FAILURES_OF_ADDRESS,
    }
    over = [key for key, limit in limits.items() if count(key, window_seconds=WINDOW_SECONDS) > limit]
    if over:
        raise TooManyFailures("Too many failures. Wait a while.", retry_after=_left())
    this = Try()
    yield this
    if this.is_right:
        for key, limit in limits.items():
            give_back(key, window_seconds=WINDOW_SECONDS, uses=limit if limit == FAILURES_HERE else 1)


def refuse_flood(address: str) -> None:
    """Count one mail with a code to somebody. Raises RateLimited when it is one too many."""
    who = hashlib.sha256(address.lower().encode()).hexdigest()[:32]
    if count(f"mails:{who}", window_seconds=WINDOW_SECONDS) > MAILS:
        raise RateLimited("Enough codes were sent to this address. Wait a while.", retry_after=_left())


def _left() -> int:
    return WINDOW_SECONDS - int(clock.system_now().timestamp()) % WINDOW_SECONDS
