"""Why our ledger and Stripe may disagree about an object: a table in words for whoever looks at it."""

from collections.abc import Callable
from dataclasses import dataclass

BALANCE = "balance"  # the total of an account, where no single object explains it


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an object on which the two differ. Cents; None when that side knows nothing of it."""

    source: str
    expected_cents: int | None
    found_cents: int | None
    booked_as: str = ""  # Stripe's type of balance transaction
    is_under_way: bool = False  # a movement of ours about the same payment or account was sent and not concluded
    is_untold: bool = False  # an event about it is stored and not worked through
    since: bool = False  # only what is younger was compared

    def named(self, *prefixes: str) -> bool:
        """Stripe's ids begin with what they are."""
        return self.source.startswith(prefixes)

    @property
    def is_unknown(self) -> bool:
        """Stripe has it, our ledger does not."""
        return not self.expected_cents

    @property
    def is_missing(self) -> bool:
        """Our ledger has it, Stripe does not."""
        return self.found_cents is None


Cause = tuple[str, Callable[[Facts], bool]]
CAUSES: tuple[Cause, ...] = (
    ("Stripe does not let us read this account", lambda f: f.source == BALANCE and f.is_missing),
    ("Something older than what was compared: run it without --since", lambda f: f.source == BALANCE and f.since),
    ("The account's total differs and no single object explains it", lambda f: f.source == BALANCE),
    ("A movement of ours is still under way: sent and not concluded yet", lambda f: f.is_under_way),
    ("Its webhook has come and has not been worked through yet", lambda f: f.is_untold),
    ("A payout whose webhook has not come yet", lambda f: f.named("po_") and f.is_unknown),
    ("A payout that came back, whose webhook has not come yet", lambda f: f.named("po_") and f.found_cents == 0),
    ("A dispute that is not noted yet: its webhook has not come", lambda f: f.named("dp_", "du_") and f.is_unknown),
    (
        "A dispute that went on since it was noted: its webhook has not come",
        lambda f: f.named("dp_", "du_") and not f.is_missing,
    ),
    ("A refund made in Stripe's dashboard", lambda f: f.named("re_") and f.is_unknown),
    ("A transfer made in Stripe's dashboard", lambda f: f.named("tr_", "py_") and f.is_unknown),
    ("A reversal made in Stripe's dashboard", lambda f: f.named("trr_", "pyr_") and f.is_unknown),
    ("An application fee given back in Stripe's dashboard", lambda f: f.named("fr_") and f.is_unknown),
    ("A charge made past us: in Stripe's dashboard or by another program", lambda f: f.named("ch_") and f.is_unknown),
    ("Stripe's own adjustment or fee", lambda f: f.is_unknown),
    ("Our ledger has it and Stripe does not: booked by hand, or under another key or account", lambda f: f.is_missing),
    ("The amount differs: changed by hand on one side", lambda f: True),
)


def probable_cause(facts: Facts) -> str:
    """The first row that matches."""
    return next(words for words, applies in CAUSES if applies(facts))
