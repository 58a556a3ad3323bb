"""What operations refuse, beside the refusals of the policy itself."""

from catalog.booking_rules import BookingConflict
from common.problems import CardRefused, Conflict, Refused, StripeFailed
from payments.models import MoneyMovement

__all__ = ["BookingConflict"]  # of the rules about times


class BookingCancelled(Conflict):
    code, title = "booking_cancelled", "This booking was cancelled"
    remedy = "Read the booking; book a new one."


class AlreadySettled(Refused):
    code, title = "already_settled", "The money of this booking is final; a refund is the way to change it"
    remedy = "Ask support for a refund."


class UnderReview(Refused):
    code, title = "under_review", "Support is looking at this booking; nothing moves until they have decided"
    remedy = "Wait for support's decision: both sides are told by mail."


class ChargebackOpen(Refused):
    code, title = "chargeback_open", "The student's bank is deciding a chargeback; nothing else moves until it has"
    remedy = "Wait until the bank has decided."


class NotConfirmed(Refused):
    code, title = "booking_not_confirmed", "This booking is not confirmed yet: check it out first"
    remedy = "Check it out first (`payments/checkout`)."


class NotCancellable(Refused):
    code, title = "booking_not_cancellable", "This booking can no longer be cancelled"
    remedy = "Read the booking: its status says what became of it."


class LessonNotEnded(Refused):
    code, title = "lesson_not_ended", "The lesson has not ended yet"
    remedy = "Try again after `ends_at`."


class LessonStarted(Refused):
    code, title = "lesson_started", "The lesson has already started"
    remedy = "Read the booking; report a no-show if nobody comes."


class CheckoutExpired(Refused):
    code, title = "checkout_expired", "The 30 minutes to pay are over. Book again."
    remedy = "Book again."


class InstructorNotPayable(Refused):
    code, title = "instructor_not_payable", "This instructor cannot take bookings yet: their payouts are not set up"
    remedy = "Choose another instructor, or try later."


class NothingToPay(Refused):
    code, title = "nothing_to_pay", "There is nothing to pay for this booking now"
    remedy = "Nothing to do: read the booking."


class AuthenticationRequired(CardRefused):
    code, title = "authentication_required", "Your bank wants you to confirm this payment"
    remedy = "Let the student pay in person (`bookings/{id}/retry-payment` answers a `client_secret`), or choose another card."


class PaidByPackage(Refused):
    code, title = "paid_by_package", "This lesson is paid with its package"
    remedy = "Pay the package with the client_secret of its session."


class InsufficientFunds(CardRefused):
    code, title = "insufficient_funds", "The card has insufficient funds"
    remedy = "Ask for another card."


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
