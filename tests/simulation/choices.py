"""What there is to choose from: cards, times, and what can be done to a lesson besides."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from payments.vocabulary import PaymentStatus

S = PaymentStatus
REASON = "Something came up, as it does."
REFUND_REASONS = ("instructor_no_show", "dispute", "platform_error", "other")
SECOND, QUARTER, HOUR = timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=1)
CARDS: tuple[tuple[str | None, int], ...] = (
    (None, 55),
    ("pm_card_mastercard", 6),
    ("pm_card_amex", 3),
    ("pm_card_chargeCustomerFail", 9),
    ("pm_card_chargeDeclinedInsufficientFunds", 3),
    ("pm_card_chargeDeclinedExpiredCard", 1),
    ("pm_card_authenticationRequired", 8),
    ("pm_card_authenticationRequiredOnSetup", 3),
    ("pm_card_authenticationRequiredSetupForOffSession", 3),
    ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", 2),
    ("pm_card_createDispute", 4),
    ("pm_card_createDisputeProductNotReceived", 1),
    ("pm_card_createDisputeInquiry", 2),
)
SECOND_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired")
BY_PEOPLE = frozenset(
    ("book", "check_out", "cancel", "staff_cancel", "reschedule", "change_card", "retry_payment", "complete",
     "dispute_completion", "report_no_show", "dispute_no_show", "resolve_no_show", "resolve_review", "refund",
     "capture_now")
)  # fmt: skip
Other = tuple[str, int, str, dict[str, Any]]


def some_start(random: Random, now: datetime) -> datetime:
    """When a lesson is to start: within hours, just around a day away, or days ahead; on a quarter hour, mostly."""
    low, high = random.choice(((1.3, 11), (12, 23.9), (23.9, 25), (25, 48), (25, 48), (48, 150), (150, 400)))
    start = now + random.uniform(low, high) * HOUR
    if random.random() < 0.1:
        return start.replace(microsecond=0)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((start - midnight) // QUARTER + 1) * QUARTER


def some_moment(random: Random, now: datetime, starts_at: datetime) -> datetime:
    """A moment until shortly after the lesson's start; often one at which the rules change, to the second."""
    if random.random() < 0.25 and starts_at - 23 * HOUR > now:
        return starts_at - random.uniform(12, 24) * HOUR
    if random.random() < 0.35:
        edge = starts_at - random.choice((24, 12, 13, 0)) * HOUR
        exactly = edge + random.choice((-SECOND, timedelta(), SECOND, 40 * SECOND))
        if exactly > now:
            return exactly
    return now + random.random() * max(starts_at + HOUR - now, HOUR)


def _job(lesson: int, name: str) -> Other:
    return "job", 0, "system", {"name": name}


def conflicting(lesson: int, status: str) -> list[Other]:
    """What somebody else may do to a lesson at the same moment."""
    acts: list[Other] = [
        ("cancel", lesson, "student", {"reason": REASON}),
        ("cancel", lesson, "instructor", {"reason": REASON}),
        ("hold_noted", lesson, "bank", {}),
        _job(lesson, "resume_unfinished_settlements"),
        _job(lesson, "capture_completed_lessons"),
    ]
    if status in (S.SCHEDULED, S.PAYMENT_METHOD_REQUIRED):
        acts += [
            _job(lesson, "process_scheduled_authorizations"),
            _job(lesson, "retry_failed_authorizations"),
            _job(lesson, "retry_failed_captures"),
            ("retry_payment", lesson, "student", {}),
            ("check_out", lesson, "student", {"requested_credit_cents": 2500}),
        ]
    if status == S.MANUAL_REVIEW:
        acts += [
            ("resolve_review", lesson, "staff", {"resolution": "full_refund", "reason": REASON}),
            ("resolve_no_show", lesson, "staff", {"resolution": "confirmed_after_review", "reason": REASON}),
            _job(lesson, "resolve_undisputed_no_shows"),
            _job(lesson, "guard_expiring_holds"),
        ]
    if status == S.SETTLED:
        acts.append(("refund", lesson, "staff", {"amount_cents": 700, "reason": "other"}))
    return acts


def anything(lesson: int, cents: int) -> list[Other]:
    """Everything that can be done to a lesson."""
    return [
        *conflicting(lesson, S.PAYMENT_METHOD_REQUIRED),
        *conflicting(lesson, S.MANUAL_REVIEW),
        ("refund", lesson, "staff", {"amount_cents": None, "reason": "dispute"}),
        ("refund", lesson, "staff", {"amount_cents": cents // 2 or 1, "reason": "other"}),
        ("staff_cancel", lesson, "staff", {"reason": REASON, "refund": True}),
        ("staff_cancel", lesson, "staff", {"reason": REASON, "refund": False}),
        ("resolve_review", lesson, "staff", {"resolution": "split_50_50", "reason": REASON}),
        ("resolve_review", lesson, "staff", {"resolution": "full_payout", "reason": REASON}),
        ("capture_now", lesson, "staff", {}),
        ("complete", lesson, "instructor", {}),
        ("late_capture", lesson, "system", {}),
        ("report_no_show", lesson, "staff", {"no_show_type": "instructor", "reason": REASON}),
        ("charge_back", lesson, "bank", {"reason": "fraudulent", "inquiry": False}),
    ]
