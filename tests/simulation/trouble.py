"""What goes wrong by itself: Stripe's faults, processes that die, jobs that run twice. Every choice from the seed."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

Fault = dict[str, Any]
KINDS = (
    "429",
    "500",
    "500",
    "500_after",
    "500_after",
    "409",
    "lost_request",
    "lost_response",
    "lost_response",
    "delay",
)
REFUSALS: tuple[Fault, ...] = (
    {"path": "/v1/transfers/*/reversals", "error": {"type": "invalid_request_error", "code": "balance_insufficient"}},
    {"path": "/v1/transfers", "error": {"type": "invalid_request_error", "code": "balance_insufficient"}},
    {"path": "/v1/refunds", "error": {"type": "invalid_request_error", "code": "balance_insufficient"}},
    {"path": "/v1/payment_intents/*/capture", "error": {"type": "card_error", "code": "card_declined"}},
    {"path": "/v1/payment_intents/*/confirm", "error": {"type": "card_error", "code": "card_declined"}},
)
ANYTHING = "/v1/[!e]*"  # but events, which the courier reads in Stripe's place
PATHS = (ANYTHING, ANYTHING, ANYTHING, "/v1/payment_intents*", "/v1/transfers*", "/v1/refunds*")
LAST_BOUNDARY = 16  # many operations have fewer


def dice(*words: object) -> Random:
    """Dice that fall the same way for the same words."""
    return Random(":".join(str(word) for word in words))


def some_faults(random: Random) -> tuple[Fault, ...]:
    """One or two faults for the length of an act."""
    return tuple(_fault(random) for _ in range(random.choice((1, 1, 2, 3))))


def _fault(random: Random) -> Fault:
    if random.random() < 0.3:
        refusal = random.choice(REFUSALS)
        error = {**refusal["error"], "message": "Refused for the story."}
        if error["type"] == "card_error":
            error["decline_code"] = random.choice(("generic_decline", "insufficient_funds"))
        return {"method": "POST", "path": refusal["path"], "kind": "refuse", "count": 1, "error": error}
    kind = random.choice(KINDS)
    fault = {
        "method": random.choice(("POST", "POST", "*", "*", "GET")),
        "path": random.choice(PATHS),
        "kind": kind,
        "count": random.choice((1, 1, 2, 3, 5)),
    }
    return {**fault, "seconds": 0.02} if kind == "delay" else fault


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong with one run of a job."""

    faults: tuple[Fault, ...] = ()
    dies_at: int = 0
    twice: bool = False


TROUBLED = {"send_mails": 0.01, "check_payment_health": 0.0, "purge_records": 0.0}


def trouble_of_job(seed: str, name: str, tick: datetime, *, calm: bool) -> Trouble:
    """The trouble of a job at its tick: the same whenever the story is told."""
    random = dice(seed, name, tick.timestamp())
    if calm or random.random() > TROUBLED.get(name, 0.3):
        return Trouble()
    what = random.random()
    if what < 0.5:
        return Trouble(faults=some_faults(random))
    if what < 0.75:
        return Trouble(dies_at=random.randint(1, LAST_BOUNDARY))
    return Trouble(twice=True)
