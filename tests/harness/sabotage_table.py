"""Table: protection -> what must notice when it is gone. A row joins `make sabotage` by itself."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from . import sabotage_checks as checks
from . import sabotage_patches as gone
from . import sabotage_rules as bent
from . import stages as at
from .crashes import FORGOTTEN
from .sabotage_probes import Check, Crash, Fault, Probe, Race, staged, story
from .verbs import VERBS
from .world import Staged, World

DECLINE = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Declined."}
PAID = "after POST /v1/transfers"


@dataclass(frozen=True)
class Sabotage:
    """A protection gone, and the piece of a harness that must notice."""

    name: str
    gone: Callable[[], AbstractContextManager[Any]]
    probe: Probe

    def noticed(self, world: World) -> list[str]:
        """What is wrong without the protection; leaves an emptied world."""
        with self.gone():
            wrong = self.probe.play(world)
            world.reset()
        return wrong


# --- Stages that only these stories need -----------------------------------------------------------------------------
def _declined_once(w: World) -> Staged:
    s = at.scheduled(w)
    s.refuse("POST", f"/v1/payment_intents/{s.payment.payment_intent_id}/confirm", **DECLINE)
    return at.go(at.willing(at.then(s, "place_hold", at.before_start(24))), at.before_start(23))


def _seventy_two_hours_after_the_first_failure(w: World) -> Staged:
    s = at.capture_failed(w)
    failed_at = s.payment.capture_failed_at
    assert failed_at
    return at.go(at.then(s, "retry_capture", at.later(4)), lambda s: at.later(72)(s) - (s.now - failed_at))


def _reported(w: World) -> Staged:
    return at.then(at.held(w), "report_instructor", at.after_end(1))


def _authenticated_and_gone(w: World) -> Staged:
    return at.unauthorized_again(at.authenticated(at.checked_out(w, hours=20, card=at.SECURE)))


SECOND_TRY = staged("a hold placed at the second try", VERBS["retry_hold"], _declined_once)
ESCALATION = staged("escalated at 72 h", VERBS["retry_capture"], _seventy_two_hours_after_the_first_failure)
IN_REVIEW = staged("capture under review", VERBS["capture_now"], _reported)
OLD_EVENT = staged("an old event", VERBS["stripe_events"], _authenticated_and_gone)
AT_TWELVE = staged(
    "cancelled at 12 h sharp", VERBS["cancel_by_student"], lambda w: at.go(at.held(w), at.before_start(12))
)

SABOTAGES = (
    # One at a time
    Sabotage("no mutex and no row lock", gone.no_lock, Race("capture_now", "report_instructor", "capture_now")),
    Sabotage(
        "no fresh read after the lock", gone.no_fresh_read, Race("capture_now", "report_instructor", "capture_now")
    ),
    Sabotage(
        "as many unfinished plans as people",
        gone.no_unique_plan,
        Race("capture", "capture", "staff_cancel_without_refund"),
    ),  # fmt: skip
    Sabotage("no fencing", gone.no_fence, Check("race", checks.an_overtaken_holder_stops)),
    Sabotage("wallets not locked", gone.no_wallet_lock, Check("race", checks.two_checkouts_share_no_cent)),
    Sabotage(
        "concluded by whoever comes to the end",
        gone.concluded_twice,
        Race("cancel late", "cancel_by_student", "cancel_by_instructor"),
    ),  # fmt: skip
    # Once
    Sabotage("unknown outcomes not looked up", gone.no_lookup, Crash("cancel locked under 12 h", FORGOTTEN, PAID)),
    Sabotage(
        "a new key on every send",
        gone.new_key_every_time,
        Fault("cancel locked under 12 h", "POST /v1/transfers", "lost_response"),
    ),  # fmt: skip
    Sabotage("key without attempt", gone.key_without_attempt, SECOND_TRY),
    Sabotage(
        "decision not committed before Stripe", gone.decision_not_committed, Crash("cancel late", at="after POST")
    ),
    Sabotage(
        "results not committed before the next movement",
        gone.results_not_committed,
        Crash("cancel last minute", FORGOTTEN, PAID),
    ),  # fmt: skip
    Sabotage("credit issued outside the concluding commit", gone.credit_outside_the_commit, Crash("cancel late")),
    Sabotage("no recovery job", gone.no_recovery, Crash("cancel late", at="after POST")),
    Sabotage("a transfer made twice", gone.transfer_twice, story("cancel last minute")),
    Sabotage(
        "an event stored each time it comes", gone.event_stored_every_time, Check("audit", checks.events_count_once)
    ),
    Sabotage("an old event trusted", gone.old_event_trusted, OLD_EVENT),
    # The right amounts
    Sabotage("reversal without the fee", bent.reversal_without_the_fee, story("cancel late")),
    Sabotage("refund without reverse_transfer", bent.refund_without_the_transfer, story("refund in full")),
    Sabotage("half of T instead of half of P", bent.half_of_the_transfer, story("cancel last minute with credits")),
    Sabotage("top-up forgotten", bent.no_top_up, story("capture with top-up")),
    Sabotage("hold left on a cancelled booking", bent.hold_left_standing, story("instructor cancels on a hold")),
    Sabotage("chargeback skips the top-up", bent.chargeback_skips_the_top_up, story("chargeback opened, settled")),
    Sabotage("intended payout recorded as paid", bent.intended_payout_recorded, story("capture whose payout fails")),
    Sabotage("ledger lines of transfers not posted", bent.ledger_without_transfers, story("capture with top-up")),
    Sabotage("reserved credits not released", bent.credits_stay_reserved, story("cancel free with credits")),
    Sabotage("expiry renewed on release", bent.expiry_renewed, Check("story", checks.released_credit_keeps_its_date)),
    # The right moment
    Sabotage("each retry moves the first failure", bent.first_failure_moves, ESCALATION),
    Sabotage("T-12 h given up a second late", bent.given_up_a_second_late, story("retry_hold gives up at T-12 h")),
    Sabotage("12 h sharp is last minute", bent.last_minute_a_second_early, AT_TWELVE),
    Sabotage(
        "windows by the clock on the wall",
        bent.window_by_the_clock_on_the_wall,
        Check("story", checks.elapsed_hours_count),
    ),  # fmt: skip
    Sabotage("captured while in review", bent.capture_in_review, IN_REVIEW),
    Sabotage(
        "slot secured after the money",
        bent.slot_secured_after_the_money,
        Check("race", checks.the_slot_is_secured_first),
    ),  # fmt: skip
    Sabotage("slot kept by a declined checkout", bent.slot_kept_when_declined, story("check_out declined")),
    Sabotage(
        "an expired hold is not placed again",
        bent.expired_hold_not_placed_again,
        story("capture with the hold gone unnoticed"),
    ),  # fmt: skip
)
