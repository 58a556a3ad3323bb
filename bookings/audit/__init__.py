"""What must always be true, in cents (docs/invariants.md): twelve checks that any database can be held against.

`audit()` runs them all, for the whole platform or for one booking. It reads Stripe through its API only and changes nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

from . import books, effects, history, holds, money, slots, wallets
from .scope import Scope, Violation

CHECKS: dict[int, Callable[[Scope], Iterator[Violation]]] = {
    1: books.i01_ledger_balances,
    2: books.i02_ledger_equals_stripe,
    3: money.i03_settled_is_its_row,
    4: holds.i04_no_stray_holds,
    5: money.i05_bounds,
    6: wallets.i06_credits_add_up,
    7: history.i07_only_drawn_transitions,
    8: effects.i08_nothing_unfinished,
    9: slots.i09_no_overlap,
    10: effects.i10_one_effect_each,
    11: effects.i11_one_mail_each,
    12: books.i12_treasurers_line,
}
TITLES = {
    1: "the ledger balances",
    2: "our ledger equals Stripe's, object by object",
    3: "a settled payment is its row of the policy",
    4: "no stray hold, no unknown payment intent",
    5: "captured, refunded, reversed and paid within bounds",
    6: "credits add up for everybody",
    7: "only drawn transitions, each with its event",
    8: "nothing unfinished, nothing decided twice",
    9: "no two lessons overlap",
    10: "one effect per event, key and object",
    11: "one mail per event, recipient and kind",
    12: "the treasurer's line closes",
}


def audit(
    *,
    with_stripe: bool = True,
    quiet: bool = True,
    booking_id: str | None = None,
    requests: list[dict[str, Any]] | None = None,
) -> list[Violation]:
    """Every violated invariant. `quiet`: faults have stopped and the recovery job has run, so nothing may be unfinished.

    `requests` are the sandbox's records of API requests, when there are any, to hold keys against parameters. Raises
    OutcomeUnknown when Stripe cannot be read.
    """
    scope = Scope.of(booking_id, with_stripe=with_stripe, quiet=quiet, requests=requests or [])
    return [violation for check in CHECKS.values() for violation in check(scope)]


__all__ = ["CHECKS", "TITLES", "Scope", "Violation", "audit"]
