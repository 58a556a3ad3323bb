"""The money operations: where each is due, and what performs it. A new row joins every harness by itself."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import package_stages as of_package
from . import stages as at
from .verbs import BY_STUDENT, VERBS, Verb
from .world import Staged, World


@dataclass(frozen=True, slots=True)
class Operation:
    """`stage` brings a fresh booking to where it is due; `verb` performs it.

    `refuses` are the codes of problems with which the undisturbed run may end. `rival` is what may come in between, and
    `needless` the events that then need not happen any more.
    """

    name: str
    verb: Verb
    stage: Callable[[World], Staged]
    refuses: tuple[str, ...] = ()
    rival: Verb = VERBS["cancel_by_student"]
    needless: tuple[str, ...] = ()


OPERATIONS: dict[str, Operation] = {}
CARD = ("card_declined", "insufficient_funds", "authentication_required")


def operation(
    name: str,
    verb: str,
    stage: Callable[[World], Staged],
    *,
    refuses: tuple[str, ...] = (),
    rival: str = "",
    needless: tuple[str, ...] = (),
) -> None:
    """Register an operation. Without a rival named, people compete with the capture job and jobs with the student."""
    performed = VERBS[verb]
    if not rival:
        rival = "capture" if performed.by == BY_STUDENT else "cancel_by_student"
    OPERATIONS[name] = Operation(name, performed, stage, refuses, VERBS[rival], needless)


def one_of_each_verb(seed: int) -> list[Operation]:
    """A small choice in which everything that can be asked occurs."""
    by_verb: dict[str, list[Operation]] = {}
    for each in OPERATIONS.values():
        by_verb.setdefault(each.verb.name, []).append(each)
    dice = random.Random(seed)
    return [dice.choice(each) for each in by_verb.values()]


# --- Checkout and holds ----------------------------------------------------------------------------------------------
operation("check_out scheduled", "check_out", lambda w: at.booked(w, hours=30), rival="cancel_by_instructor")
operation("check_out immediate", "check_out", lambda w: at.booked(w, hours=20), rival="cancel_by_instructor")
operation("check_out with credits", "check_out_with_credits", lambda w: at.booked(w, hours=30, credits=5000),
          rival="cancel_by_student")  # fmt: skip
operation("check_out immediate with credits", "check_out_with_credits", lambda w: at.booked(w, hours=20, credits=7000),
          rival="cancel_by_student")  # fmt: skip
operation("check_out declined", "check_out", lambda w: at.booked(w, hours=20, card=at.FAILING), refuses=CARD,
          rival="cancel_by_student")  # fmt: skip
operation("check_out asks for 3-D Secure", "check_out", lambda w: at.booked(w, hours=20, card=at.SECURE),
          rival="cancel_by_student")  # fmt: skip
operation("3-D Secure confirmed by event", "stripe_events",
          lambda w: at.authenticated(at.checked_out(w, hours=20, card=at.SECURE)))  # fmt: skip
operation("3-D Secure failed by event", "stripe_events",
          lambda w: at.authenticated(at.checked_out(w, hours=20, card=at.SECURE), "fail"))  # fmt: skip
operation("3-D Secure read back", "read_hold_back",
          lambda w: at.authenticated(at.checked_out(w, hours=20, card=at.SECURE)))  # fmt: skip
operation("place_hold", "place_hold", lambda w: at.go(at.scheduled(w), at.before_start(24)))
operation("place_hold with credits", "place_hold",
          lambda w: at.go(at.scheduled(w, credits=2000), at.before_start(24)), rival="reschedule_to_later")  # fmt: skip
operation("place_hold declined", "place_hold", lambda w: at.go(at.scheduled(w, card=at.FAILING), at.before_start(24)))


def _hold_failed(w: World) -> Staged:
    return at.then(at.scheduled(w, card=at.FAILING), "place_hold", at.before_start(24))


operation("retry_hold declined", "retry_hold", lambda w: at.go(_hold_failed(w), at.before_start(23)))
operation("retry_hold at T-13 h", "retry_hold", lambda w: at.go(_hold_failed(w), at.before_start(13)),
          rival="change_card", needless=("hold_final_warning",))  # fmt: skip
operation("retry_hold gives up at T-12 h", "retry_hold", lambda w: at.go(_hold_failed(w), at.before_start(12)),
          rival="change_card")  # fmt: skip
operation("new card after a declined hold", "change_card", lambda w: at.go(_hold_failed(w), at.before_start(20)),
          rival="retry_hold")  # fmt: skip
operation("retry_payment declined", "retry_payment", lambda w: at.go(_hold_failed(w), at.before_start(20)),
          refuses=CARD, rival="cancel_by_student")  # fmt: skip
operation("expire after a declined checkout", "expire_checkout",
          lambda w: at.go(at.checked_out(w, hours=20, card=at.FAILING), at.later(0.5)), rival="check_out")  # fmt: skip
operation("expire with 3-D Secure unfinished", "expire_checkout",
          lambda w: at.go(at.checked_out(w, hours=20, card=at.SECURE), at.later(0.5)), rival="check_out")  # fmt: skip
operation("expire with 3-D Secure done at the last moment", "expire_checkout",
          lambda w: at.go(at.authenticated(at.checked_out(w, hours=20, card=at.SECURE)), at.later(0.5)),
          rival="check_out")  # fmt: skip
operation("expire never checked out", "expire_pending",
          lambda w: at.go(at.booked(w, hours=40), at.later(2)), rival="check_out")  # fmt: skip

# --- Completion and capture ------------------------------------------------------------------------------------------
operation("complete", "complete", lambda w: at.go(at.held(w), at.after_end(1)), rival="dispute_completion")
operation("capture", "capture", lambda w: at.go(at.held(w), at.after_end(24)), rival="cancel_by_student")
operation("capture with top-up", "capture", lambda w: at.go(at.held(w, credits=5000), at.after_end(24)),
          rival="capture_now")  # fmt: skip
operation("capture paid by credits", "capture", lambda w: at.go(at.held(w, credits=12000), at.after_end(24)),
          rival="cancel_by_instructor")  # fmt: skip
operation("capture_now", "capture_now", lambda w: at.go(at.held(w), at.after_end(1)), rival="cancel_by_student")
operation("capture with the hold expired", "capture", lambda w: at.go(at.held(w), at.before_hold_ends(-1)))
operation("capture with the hold gone unnoticed", "capture",
          lambda w: at.unauthorized_again(at.go(at.held(w, credits=5000), at.after_end(24))))  # fmt: skip
operation("capture declined", "capture", lambda w: at.go(at.refusing(at.held(w), "capture"), at.after_end(24)))
operation("retry_capture declined", "retry_capture", lambda w: at.go(at.capture_failed(w), at.later(4)),
          rival="retry_payment")  # fmt: skip
operation("retry_capture goes through", "retry_capture",
          lambda w: at.willing(at.go(at.capture_failed(w, credits=5000), at.later(4))), rival="retry_payment")  # fmt: skip
operation("escalate", "retry_capture", lambda w: at.go(at.capture_failed(w), at.later(72)), rival="retry_payment")
operation("repay before escalation", "retry_payment",
          lambda w: at.willing(at.go(at.capture_failed(w), at.later(5))), rival="retry_capture")  # fmt: skip
operation("repay after escalation", "retry_payment",
          lambda w: at.willing(at.then(at.capture_failed(w), "retry_capture", at.later(72))),
          rival="review_full_payout")  # fmt: skip
operation("write an escalated lesson off", "review_full_payout",
          lambda w: at.then(at.capture_failed(w), "retry_capture", at.later(72)), rival="retry_payment")  # fmt: skip
operation("take an escalated advance back", "review_full_refund",
          lambda w: at.then(at.capture_failed(w), "retry_capture", at.later(72)), rival="retry_payment")  # fmt: skip
operation("capture whose payout fails", "capture",
          lambda w: at.refusing(at.go(at.held(w, credits=5000), at.after_end(24)), "transfer"))  # fmt: skip
operation("review of a failed payout resumed", "review_resume",
          lambda w: at.willing(at.then(at.refusing(at.held(w, credits=5000), "transfer"), "capture", at.after_end(24))),
          rival="review_full_payout")  # fmt: skip

operation("a refused payout given up", "give_up",
          lambda w: at.then(at.refusing(at.held(w, credits=5000), "transfer"), "capture", at.after_end(24)),
          rival="review_resume")  # fmt: skip
operation("a refused reversal given up", "give_up",
          lambda w: at.then(at.refusing(at.held(w, credits=5000), "reversal"), "cancel_by_student"),
          rival="review_resume")  # fmt: skip
operation("a refused staff refund given up", "give_up",
          lambda w: at.then(at.refusing(at.settled(w), "refund"), "refund_in_part"), rival="review_resume")  # fmt: skip
operation("a refused staff refund made again", "review_resume",
          lambda w: at.willing(at.then(at.refusing(at.settled(w), "refund"), "refund_in_part")),
          rival="give_up")  # fmt: skip

# --- Cancelling ------------------------------------------------------------------------------------------------------
operation("cancel free", "cancel_by_student", lambda w: at.scheduled(w), rival="cancel_by_instructor")
operation("cancel free with credits", "cancel_by_student", lambda w: at.scheduled(w, credits=5000),
          rival="reschedule_to_later")  # fmt: skip
operation("cancel late", "cancel_by_student", lambda w: at.held(w), rival="cancel_by_instructor")
operation("cancel late with credits", "cancel_by_student", lambda w: at.held(w, credits=5000),
          rival="reschedule_to_later")  # fmt: skip
operation("cancel last minute", "cancel_by_student", lambda w: at.held(w, hours=6), rival="capture_now")
operation("cancel last minute with credits", "cancel_by_student", lambda w: at.held(w, hours=6, credits=7000),
          rival="staff_cancel_with_refund")  # fmt: skip
operation("cancel with the job late", "cancel_by_student", lambda w: at.go(at.scheduled(w), at.before_start(20)),
          rival="place_hold")  # fmt: skip
operation("cancel with the job late and the card declined", "cancel_by_student",
          lambda w: at.go(at.scheduled(w, card=at.FAILING), at.before_start(20)), rival="place_hold")  # fmt: skip
operation("cancel with the hold failed", "cancel_by_student", lambda w: at.go(_hold_failed(w), at.before_start(20)),
          rival="retry_hold")  # fmt: skip
operation("cancel pending", "cancel_by_student", lambda w: at.booked(w, hours=20), rival="check_out")
operation("cancel late with the capture declined", "cancel_by_student", lambda w: at.refusing(at.held(w), "capture"),
          rival="cancel_by_instructor")  # fmt: skip
operation("late cancellation captured after all", "capture_late_cancellation",
          lambda w: at.willing(at.go(at.late_capture_failed(w), at.later(1))), rival="retry_payment")  # fmt: skip
operation("last minute cancellation escalated", "retry_capture",
          lambda w: at.go(at.late_capture_failed(w, hours=6), at.later(72)), rival="retry_payment")  # fmt: skip
operation("cancel late with the reversal refused", "cancel_by_student",
          lambda w: at.refusing(at.held(w), "reversal"), rival="cancel_by_instructor")  # fmt: skip
operation("review of a refused reversal resumed", "review_resume",
          lambda w: at.willing(at.then(at.refusing(at.held(w), "reversal"), "cancel_by_student")),
          rival="review_full_refund")  # fmt: skip
operation("cancel last minute with the payout refused", "cancel_by_student",
          lambda w: at.refusing(at.held(w, hours=6), "transfer"), rival="cancel_by_instructor")  # fmt: skip
operation("cancel locked at 12 h or more", "cancel_by_student", lambda w: at.locked(w, credits=5000),
          rival="cancel_by_instructor")  # fmt: skip
operation("cancel locked under 12 h", "cancel_by_student", lambda w: at.go(at.locked(w), at.before_start(6)),
          rival="capture_now")  # fmt: skip
operation("instructor cancels on a hold", "cancel_by_instructor", lambda w: at.held(w, credits=2000),
          rival="cancel_by_student")  # fmt: skip
operation("instructor cancels locked", "cancel_by_instructor", lambda w: at.locked(w, credits=2000),
          rival="cancel_by_student")  # fmt: skip
operation("instructor cancels, refund refused", "cancel_by_instructor", lambda w: at.refusing(at.locked(w), "refund"))
operation("staff cancel with refund on a hold", "staff_cancel_with_refund", lambda w: at.held(w))
operation("staff cancel with refund locked", "staff_cancel_with_refund", lambda w: at.locked(w))
operation("staff cancel without refund", "staff_cancel_without_refund", lambda w: at.held(w))

# --- Rescheduling ----------------------------------------------------------------------------------------------------
operation("reschedule free", "reschedule_to_later", lambda w: at.scheduled(w, credits=2000), rival="cancel_by_student")
operation("reschedule free to under 24 h", "reschedule_to_sooner", lambda w: at.scheduled(w),
          rival="cancel_by_instructor")  # fmt: skip
operation("reschedule free to under 24 h declined", "reschedule_to_sooner", lambda w: at.scheduled(w, card=at.FAILING),
          refuses=("reschedule_card_declined",), rival="cancel_by_student")  # fmt: skip
operation("LOCK", "reschedule_to_later", lambda w: at.held(w, credits=5000), rival="cancel_by_student")
operation("LOCK with the job late", "reschedule_to_later", lambda w: at.go(at.scheduled(w), at.before_start(20)),
          rival="place_hold")  # fmt: skip
operation("LOCK declined", "reschedule_to_later",
          lambda w: at.go(at.scheduled(w, card=at.FAILING), at.before_start(20)),
          refuses=("reschedule_card_declined",), rival="place_hold")  # fmt: skip
operation("LOCK with the reversal refused", "reschedule_to_later", lambda w: at.refusing(at.held(w), "reversal"),
          refuses=("under_review",), rival="cancel_by_instructor")  # fmt: skip
operation("locked lesson completed", "capture", lambda w: at.go(at.locked(w, credits=5000), at.after_end(24)))


# --- No-shows and disputes -------------------------------------------------------------------------------------------
def _reported(s: Staged, *reports: str) -> Staged:
    at.go(s, at.after_end(1))
    for report in reports:
        at.then(s, report)
    return s


INSTRUCTOR, STUDENT = ("report_instructor",), ("report_student",)
BOTH = ("report_instructor", "report_student")
operation("report instructor", "report_instructor", lambda w: at.go(at.held(w), at.after_end(1)), rival="complete")
operation("report student", "report_student", lambda w: at.go(at.locked(w), at.after_end(1)), rival="capture_now")
operation("dispute no-show", "dispute_no_show", lambda w: _reported(at.held(w), *INSTRUCTOR),
          rival="withdraw_no_show")  # fmt: skip
operation("instructor no-show undisputed", "confirm_undisputed",
          lambda w: at.go(_reported(at.held(w, credits=5000), *INSTRUCTOR), at.later(24)),
          rival="withdraw_no_show")  # fmt: skip
operation("student no-show undisputed", "confirm_undisputed",
          lambda w: at.go(_reported(at.held(w, credits=5000), *STUDENT), at.later(24)),
          rival="confirm_no_show")  # fmt: skip
operation("mutual no-show undisputed", "confirm_undisputed",
          lambda w: at.go(_reported(at.held(w), *BOTH), at.later(24)), rival="staff_cancel_with_refund")  # fmt: skip
operation("instructor no-show confirmed, locked", "confirm_no_show", lambda w: _reported(at.locked(w), *INSTRUCTOR),
          rival="confirm_undisputed")  # fmt: skip
operation("instructor no-show rejected", "reject_no_show", lambda w: _reported(at.held(w, credits=5000), *INSTRUCTOR),
          rival="withdraw_no_show")  # fmt: skip
operation("student no-show confirmed", "confirm_no_show", lambda w: _reported(at.held(w), *STUDENT),
          rival="staff_cancel_without_refund")  # fmt: skip
operation("student no-show confirmed, locked", "confirm_no_show", lambda w: _reported(at.locked(w), *STUDENT),
          rival="reject_no_show")  # fmt: skip
operation("student no-show rejected", "reject_no_show", lambda w: _reported(at.held(w), *STUDENT),
          rival="confirm_no_show")  # fmt: skip
operation("mutual no-show confirmed", "confirm_no_show", lambda w: _reported(at.held(w), *BOTH),
          rival="withdraw_no_show")  # fmt: skip
operation("no-show withdrawn", "withdraw_no_show", lambda w: _reported(at.held(w), *INSTRUCTOR),
          rival="confirm_no_show")  # fmt: skip
operation("secure funds", "secure_funds",
          lambda w: at.go(at.then(_reported(at.held(w, credits=5000), *INSTRUCTOR), "dispute_no_show"),
                          at.before_hold_ends(6)), rival="reject_no_show")  # fmt: skip
operation("no-show confirmed after funds were secured", "confirm_no_show",
          lambda w: at.then(at.then(_reported(at.held(w), *INSTRUCTOR), "dispute_no_show"), "secure_funds",
                            at.before_hold_ends(6)), rival="reject_no_show")  # fmt: skip


def _completion_disputed(s: Staged) -> Staged:
    return at.then(s, "dispute_completion", at.after_end(1))


operation("dispute completion", "dispute_completion", lambda w: at.go(at.held(w), at.after_end(1)),
          rival="capture_now")  # fmt: skip
for _end in ("full_payout", "full_refund", "split_50_50", "resume"):
    operation(f"completion dispute ends: {_end}", f"review_{_end}",
              lambda w: _completion_disputed(at.held(w, credits=5000)), rival="staff_cancel_with_refund")  # fmt: skip
operation("completion dispute ends locked: full_refund", "review_full_refund",
          lambda w: _completion_disputed(at.locked(w)), rival="review_full_payout")  # fmt: skip
operation("completion dispute ends locked: split_50_50", "review_split_50_50",
          lambda w: _completion_disputed(at.locked(w)), rival="review_full_payout")  # fmt: skip

# --- Refunds and chargebacks -----------------------------------------------------------------------------------------
operation("refund in full", "refund_in_full", lambda w: at.settled(w, credits=5000), rival="refund_in_part")
operation("refund in part", "refund_in_part", lambda w: at.settled(w), rival="refund_in_full")
operation("refund the rest", "refund_in_full", lambda w: at.then(at.settled(w), "refund_in_part"),
          rival="refund_in_part")  # fmt: skip
operation("refund a late cancellation", "refund_in_full", lambda w: at.then(at.held(w), "cancel_by_student"),
          rival="refund_in_part")  # fmt: skip
operation("refund a last minute cancellation in part", "refund_in_part",
          lambda w: at.then(at.held(w, hours=6), "cancel_by_student"), rival="refund_in_full")  # fmt: skip
operation("refund refused", "refund_in_full", lambda w: at.refusing(at.settled(w), "refund"),
          refuses=("under_review",), rival="refund_in_part")  # fmt: skip


def _late(w: World) -> Staged:
    return at.then(at.held(w), "cancel_by_student")


def _last_minute(w: World) -> Staged:
    return at.then(at.held(w, hours=6), "cancel_by_student")


for _name, _before in (("settled", lambda w: at.settled(w, credits=5000)), ("locked", at.locked), ("credited", _late),
                       ("split", _last_minute)):  # fmt: skip
    operation(f"chargeback opened, {_name}", "chargeback", lambda w, b=_before: at.disputed(b(w)),  # type: ignore[misc]
              rival="refund_in_full")  # fmt: skip
    for _verdict in ("won", "lost"):
        operation(f"chargeback {_verdict}, {_name}", "chargeback",
                  lambda w, b=_before, v=_verdict: at.bank_decides(at.charged_back(b(w)), v),  # type: ignore[misc]
                  rival="refund_in_full")  # fmt: skip
operation("chargeback opened and lost unheard of", "chargeback",
          lambda w: at.bank_decides(at.disputed(at.settled(w)), "lost"), rival="refund_in_full")  # fmt: skip
operation("chargeback opened by event", "stripe_events",
          lambda w: at.told(at.disputed(at.settled(w)), "charge.dispute.created"), rival="refund_in_full")  # fmt: skip

# --- Packages --------------------------------------------------------------------------------------------------------
operation("package paid", "read_package_back", lambda w: of_package.paid_by_browser(of_package.drafted(w)),
          rival="expire_package")  # fmt: skip
operation("package paid, by event", "stripe_events",
          lambda w: of_package.told_of_payment(of_package.paid_by_browser(of_package.drafted(w)),
                                               "payment_intent.succeeded"), rival="cancel_by_student")  # fmt: skip
operation("package paid with another amount", "read_package_back",
          lambda w: of_package.paid_by_browser(of_package.repriced(of_package.drafted(w))),
          rival="cancel_by_student")  # fmt: skip
operation("package declined", "read_package_back",
          lambda w: of_package.paid_by_browser(of_package.drafted(w), "pm_card_chargeDeclined"),
          rival="cancel_by_instructor")  # fmt: skip
operation("package never paid", "expire_package", lambda w: at.go(of_package.drafted(w), at.later(0.6)),
          rival="cancel_by_student")  # fmt: skip
operation("package paid at the last moment", "expire_package",
          lambda w: at.go(of_package.paid_by_browser(of_package.drafted(w)), at.later(0.6)),
          rival="read_package_back")  # fmt: skip
operation("book with a package", "book_with_package", of_package.bought, rival="refund_package")
operation("package lesson given", "capture", lambda w: at.go(of_package.bought(w), at.after_end(24)),
          rival="capture_now")  # fmt: skip
operation("package lesson whose payout fails", "capture",
          lambda w: at.refusing(at.go(of_package.bought(w), at.after_end(24)), "transfer"))  # fmt: skip
operation("package lesson cancelled", "cancel_by_student", of_package.bought, rival="cancel_by_instructor")
operation("package lesson cancelled late", "cancel_by_student",
          lambda w: at.go(of_package.bought(w), at.before_start(18)), rival="reschedule_to_later")  # fmt: skip
operation("package lesson cancelled at the last minute", "cancel_by_student",
          lambda w: at.go(of_package.bought(w), at.before_start(6)), rival="capture_now")  # fmt: skip
operation("package lesson cancelled by the instructor", "cancel_by_instructor",
          lambda w: at.go(of_package.bought(w), at.before_start(6)), rival="cancel_by_student")  # fmt: skip
operation("package draft cancelled", "cancel_by_student", of_package.drafted, rival="cancel_by_instructor")
operation("package lesson moved late", "reschedule_to_later",
          lambda w: at.go(of_package.bought(w), at.before_start(18)), rival="cancel_by_student")  # fmt: skip
operation("refund of a package", "refund_package", of_package.bought, rival="book_with_package")
operation("refund of a package refused", "refund_package", lambda w: at.refusing(of_package.bought(w), "refund"),
          refuses=("under_review",), rival="book_with_package")  # fmt: skip
operation("package lesson given back", "give_lesson_back", of_package.given, rival="give_lesson_back_to_card")
operation("package lesson given back to the card", "give_lesson_back_to_card", of_package.given,
          rival="refund_package")  # fmt: skip
operation("package chargeback opened", "package_chargeback", lambda w: of_package.disputed(of_package.bought(w)),
          rival="book_with_package")  # fmt: skip
for _verdict in ("won", "lost"):
    operation(f"package chargeback {_verdict}", "package_chargeback",
              lambda w, v=_verdict: at.bank_decides(  # type: ignore[misc]
                  at.then(of_package.disputed(of_package.bought(w)), "package_chargeback"), v),
              rival="book_with_package")  # fmt: skip
