"""What every harness asks of a case: it ended as decided, once, with nothing left open. And of a world: its books agree."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings.audit import audit
from common.problems import Problem
from payments import gateway, ledger
from payments.models import LedgerLine, MoneyPlan

from .facts import Facts, differences, facts
from .registry import Operation
from .verbs import VERBS, Verb
from .world import Staged, World


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be. `case` names it for `--case`; `story` tells what happened, in order."""

    case: str
    story: list[str]
    wrong: list[str]

    def __str__(self) -> str:
        return "\n".join([self.case, *(f"  {line}" for line in self.story), *(f"  !! {line}" for line in self.wrong)])


def attempt(verb: Verb, s: Staged, now: datetime) -> str:
    """Do it as its door would; returns the code of the problem it ended with, or nothing. Other errors are bugs."""
    try:
        verb.run(s, now)
    except Problem as problem:
        return problem.code
    return ""


def over(s: Staged) -> None:
    """A case is over: its faults go, and what its student's bank has decided is noted, so that the books can agree."""
    s.over()
    if s.dispute_id:
        attempt(VERBS["package_chargeback" if s.package_id else "chargeback"], s, s.now)


class References:
    """How an operation ends undisturbed: alone, asked twice, followed by its rival. Each is run once, when asked for."""

    def __init__(self, world: World, operation: Operation) -> None:
        self._world, self._operation = world, operation
        self._runs: dict[str, Facts] = {}

    def _run(self, name: str, *verbs: Verb) -> Facts:
        if name not in self._runs:
            s = self._operation.stage(self._world)
            for verb in verbs:
                attempt(verb, s, s.now)
            self._runs[name] = facts(s)
            over(s)
        return self._runs[name]

    @property
    def alone(self) -> Facts:
        return self._run("alone", self._operation.verb)

    @property
    def twice(self) -> Facts:
        return self._run("twice", self._operation.verb, self._operation.verb)

    @property
    def then_rival(self) -> Facts:
        return self._run("then rival", self._operation.verb, self._operation.rival)

    @property
    def rival_alone(self) -> Facts:
        return self._run("rival alone", self._operation.rival)

    @property
    def rival_first(self) -> Facts:
        return self._run("rival first", self._operation.rival, self._operation.verb)


TRIES = ("events", "mails", "movements", "auth_failure_count", "capture_retry_count")


def wrong_with(s: Staged, *allowed: Facts, needless: tuple[str, ...] = (), ignoring: tuple[str, ...] = ()) -> list[str]:
    """What is not as in any of the allowed ends (differences to the nearest), what is left open, what must never be.

    Without allowed ends only the latter two. `needless` events and their mails may be missing; facts are not compared
    that are to be ignored, such as TRIES where one try more or less is all the same.
    """
    found = facts(s)
    ends = [differences(without(needless, expected), without(needless, found)) for expected in allowed]
    ends = [[line for line in end if line.partition(":")[0] not in ignoring] for end in ends]
    wrong = [*min(ends, key=len, default=[]), *never(s, found), *_unexpected(s.world)]
    if found["unfinished"]:
        plans = MoneyPlan.objects.filter(payment_id__in=s.payment_ids, finished_at=None)
        wrong += [f"unfinished: {plan.purpose}, {plan.last_error}" for plan in plans]
    return wrong


def without(kinds: tuple[str, ...], found: Facts) -> Facts:
    """Facts without some kinds of events and their mails."""
    return {
        name: Counter({kind: n for kind, n in value.items() if kind.partition(".")[0] not in kinds})
        if name in ("events", "mails")
        else value
        for name, value in found.items()
    }


def never(s: Staged, found: Facts) -> list[str]:
    """What no end may show, whatever was decided."""
    wrong = []
    held = [intent for intent in found["stripe_intents"] if intent[0] == "requires_capture"]
    over = found["status"] == "settled" or (found["bookings"][-1][0] == "CANCELLED" and not found["owed_outcome"])
    if len(held) > 1:
        wrong.append(f"{len(held)} live holds")
    if held and over and found["status"] != "manual_review":
        wrong.append("a live hold on a payment that is over")
    captured = sum(received for _, _, received in found["stripe_intents"])
    if captured != found["card_charged_cents"]:
        wrong.append(f"captured {captured} at Stripe, recorded {found['card_charged_cents']}")
    refunded = sum(found["stripe_refunded_of_captured"])
    if refunded != found["refunded_to_card_cents"] and "lost" not in found["chargebacks"]:
        wrong.append(f"refunded {refunded} at Stripe, recorded {found['refunded_to_card_cents']}")
    return wrong


def _unexpected(world: World) -> list[str]:
    errors, world.errors = world.errors, []
    return [f"a job met {type(error).__name__}: {error}" for error in errors]


def audited(world: World) -> list[str]:
    """What is wrong with a whole world: every invariant, with Stripe's own records, and the balances."""
    violations = audit(with_stripe=True, quiet=True, requests=list(_requests(world)))
    return [*_balances(), *(_traced(world, str(violation)) for violation in violations)]


def _traced(world: World, violation: str) -> str:
    """With the case that it is about."""
    cases = {case for an_id, case in world.played.items() if an_id in violation}
    return f"{violation} ({', '.join(sorted(cases))})" if cases else violation


def _requests(world: World) -> Iterator[dict[str, Any]]:
    """Everything that Stripe was asked."""
    after, more = 0, True
    while more:
        page = world.sandbox.control("GET", f"requests?after={after}&limit=10000")
        after, more = page["last"], page["has_more"]
        yield from page["data"]


def _balances() -> list[str]:
    """Our ledger against Stripe's balances, account by account."""
    wrong = []
    accounts = set(LedgerLine.objects.filter(account__startswith="stripe:").values_list("account", flat=True))
    for account in sorted(accounts):
        name = account.removeprefix("stripe:")
        balance = gateway.balance(account="" if account == ledger.PLATFORM else name)
        theirs = sum(part["amount"] for kind in ("available", "pending") for part in balance[kind])
        ours = sum(LedgerLine.objects.filter(account=account).values_list("amount_cents", flat=True))
        if ours != theirs:
            wrong.append(f"{account}: the ledger says {ours}, Stripe says {theirs}")
    return wrong
