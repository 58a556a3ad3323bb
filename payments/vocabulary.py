"""The words of a payment, as plain values that policy, models and doors share (policy 3)."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    SCHEDULED = "scheduled"
    AUTHORIZED = "authorized"
    PAYMENT_METHOD_REQUIRED = "payment_method_required"
    LOCKED = "locked"
    MANUAL_REVIEW = "manual_review"
    SETTLED = "settled"


class Outcome(StrEnum):
    """How the money ended."""

    LESSON_COMPLETED = "lesson_completed_full_payout"
    CANCEL_NO_CHARGE = "student_cancel_gt24_no_charge"
    CANCEL_LATE = "student_cancel_12_24_full_credit"
    CANCEL_LAST_MINUTE = "student_cancel_lt12_split_50_50"
    LOCKED_CANCEL_LATE = "locked_cancel_ge12_full_credit"
    LOCKED_CANCEL_LAST_MINUTE = "locked_cancel_lt12_split_50_50"
    INSTRUCTOR_CANCEL = "instructor_cancel_full_refund"
    INSTRUCTOR_NO_SHOW = "instructor_no_show_full_refund"
    MUTUAL_NO_SHOW = "mutual_no_show_full_refund"
    STUDENT_NO_SHOW = "student_no_show_full_payout"
    STUDENT_WINS_DISPUTE = "student_wins_dispute_full_refund"
    DISPUTE_WON = "dispute_won"
    CAPTURE_FAILURE_PAID = "capture_failure_instructor_paid"
    ADMIN_REFUND = "admin_refund"
    ENTITLEMENT_RETURNED = "entitlement_returned"
    PACKAGE_PAID = "package_paid"
    PACKAGE_NOT_PAID = "package_not_paid"
    PACKAGE_REFUSED = "package_refused_full_refund"


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Django choices from a vocabulary: the value, and the value in words."""
    return [(word.value, word.value.replace("_", " ")) for word in words]
