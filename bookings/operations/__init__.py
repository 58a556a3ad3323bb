"""Everything that can happen to a booking and its money, one file per verb. Doors call these and nothing else."""

from .authorize import change_payment_method, place_hold, retry_hold, retry_payment
from .book import Booked, book_lesson, preview_price
from .cancel import cancel_booking, staff_cancel_booking
from .capture import capture_lesson, capture_now, finish_repayment, retry_failed_capture
from .chargebacks import note_chargeback
from .check_out import CheckedOut, check_out
from .complete import complete_lesson
from .confirm_hold import confirm_hold
from .desk import (
    issue_goodwill,
    lift_account_hold,
    replay_event,
    resend_mail,
    restrict_account,
    revoke_goodwill,
)
from .expire import expire_unpaid
from .fail_refund import note_refund, show_bank_payout
from .give_up import give_up_movement
from .packages import (
    PackageRefunded,
    Session,
    book_with_package,
    create_session,
    expire_entitlements,
    expire_package,
    finish_session,
    give_lesson_back,
    note_package_chargeback,
    note_package_payment,
    pay_first,
    refund_package,
    refund_returned_lessons,
)
from .refund import Refunded, refund_booking
from .rehearse import Rehearsal, rehearse, standing
from .report_no_show import dispute_no_show, report_no_show
from .reschedule import reschedule_booking
from .resolve_no_show import confirm_undisputed, resolve_no_show
from .resolve_review import dispute_completion, resolve_review
from .secure_funds import secure_funds

__all__ = [
    "Booked",
    "CheckedOut",
    "PackageRefunded",
    "Refunded",
    "Rehearsal",
    "Session",
    "book_lesson",
    "book_with_package",
    "cancel_booking",
    "capture_lesson",
    "capture_now",
    "change_payment_method",
    "check_out",
    "complete_lesson",
    "confirm_hold",
    "confirm_undisputed",
    "create_session",
    "dispute_completion",
    "dispute_no_show",
    "expire_entitlements",
    "expire_package",
    "expire_unpaid",
    "finish_repayment",
    "finish_session",
    "give_lesson_back",
    "give_up_movement",
    "issue_goodwill",
    "lift_account_hold",
    "note_chargeback",
    "note_package_chargeback",
    "note_package_payment",
    "note_refund",
    "pay_first",
    "place_hold",
    "preview_price",
    "refund_booking",
    "refund_package",
    "refund_returned_lessons",
    "rehearse",
    "replay_event",
    "report_no_show",
    "reschedule_booking",
    "resend_mail",
    "resolve_no_show",
    "resolve_review",
    "restrict_account",
    "retry_failed_capture",
    "retry_hold",
    "retry_payment",
    "revoke_goodwill",
    "secure_funds",
    "show_bank_payout",
    "staff_cancel_booking",
    "standing",
]
