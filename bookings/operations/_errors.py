"""What operations refuse, beside the refusals of the policy itself."""

from common.problems import CardRefused, Conflict, Refused, StripeFailed
from payments.models import MoneyMovement


class BookingConflict(Conflict):
    code, title = "booking_conflict", "Somebody has just taken this time. Choose another."


class BookingCancelled(Conflict):
    code, title = "booking_cancelled", "This booking was cancelled"


class AlreadySettled(Refused):
    code, title = "already_settled", "The money of this booking is final; a refund is the way to change it"


class UnderReview(Refused):
    code, title = "under_review", "Support is looking at this booking; nothing moves until they have decided"


class ChargebackOpen(Refused):
    code, title = "chargeback_open", "The student's bank is deciding a chargeback; nothing else moves until it has"


class NotConfirmed(Refused):
    code, title = "booking_not_confirmed", "This booking is not confirmed yet: check it out first"


class NotCancellable(Refused):
    code, title = "booking_not_cancellable", "This booking can no longer be cancelled"


class LessonNotEnded(Refused):
    code, title = "lesson_not_ended", "The lesson has not ended yet"


class LessonStarted(Refused):
    code, title = "lesson_started", "The lesson has already started"


class CheckoutExpired(Refused):
    code, title = "checkout_expired", "The 30 minutes to pay are over. Book again."


class InstructorNotPayable(Refused):
    code, title = "instructor_not_payable", "This instructor cannot take bookings yet: their payouts are not set up"


class NothingToPay(Refused):
    code, title = "nothing_to_pay", "There is nothing to pay for this booking now"


class AuthenticationRequired(CardRefused):
    code, title = "authentication_required", "Your bank wants you to confirm this payment"


class InsufficientFunds(CardRefused):
    code, title = "insufficient_funds", "The card has insufficient funds"


def card_refusal(movement: MoneyMovement) -> CardRefused | StripeFailed:
    """What the caller is told about a refused hold or capture, in the card's own words."""
    message = movement.error_message or CardRefused.title
    if movement.error_code == "authentication_required":
        return AuthenticationRequired(message, decline_code=movement.decline_code)
    if movement.decline_code == "insufficient_funds":
        return InsufficientFunds(message, decline_code=movement.decline_code)
    if movement.decline_code or movement.error_code in ("card_declined", "expired_card", "incorrect_cvc"):
        return CardRefused(message, decline_code=movement.decline_code or movement.error_code)
    return StripeFailed(f"Stripe refused: {message}")
