"""Where a lesson stands, in a word and a sentence, for the student and for the instructor."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.policy.holds import capture_due_at, give_up_at
from bookings.state_machine import BookingStatus as B
from common.actors import Role
from common.money import dollars
from pages.times import moment
from payments.vocabulary import Outcome
from payments.vocabulary import PaymentStatus as S

CALM, GOOD, WARN, BAD, QUIET = "calm", "good", "warn", "bad", "quiet"


@dataclass(frozen=True, slots=True)
class Standing:
    """A word with its tone, and the sentence behind it."""

    tone: str
    word: str
    sentence: str


def standing(booking: Booking, *, role: str, now: datetime, zone: ZoneInfo) -> Standing:
    """What somebody is told about where this lesson stands."""
    if role == Role.INSTRUCTOR:
        return _for_instructor(booking, now, zone)
    return _for_student(booking, now, zone)


def _for_student(booking: Booking, now: datetime, zone: ZoneInfo) -> Standing:
    payment, card = booking.payment, dollars(booking.payment.card_amount_cents)
    match booking.status, payment.status:
        case B.PENDING, _:
            return Standing(WARN, "Not paid yet", "Finish the checkout, or the time goes back to others.")
        case B.CONFIRMED, S.PAYMENT_METHOD_REQUIRED if not payment.capture_failed_at:
            until = moment(payment.auth_cancel_at or give_up_at(booking.starts_at), zone, now=now)
            return Standing(
                BAD,
                "Card needed",
                f"Your card was declined. Fix it by {until}, or the lesson is cancelled without any charge.",
            )
        case B.CONFIRMED | B.COMPLETED | B.CANCELLED, S.PAYMENT_METHOD_REQUIRED:
            return Standing(BAD, "Payment failed", f"We could not charge {card} to your card. Pay it to keep booking.")
        case B.CONFIRMED, S.SCHEDULED:
            at = moment(payment.auth_scheduled_for, zone, now=now) if payment.auth_scheduled_for else "the day before"
            return Standing(GOOD, "Confirmed", f"Nothing is charged yet. {card} is held on your card on {at}.")
        case B.CONFIRMED, S.AUTHORIZED if now >= booking.ends_at:
            at = moment(capture_due_at(booking.ends_at), zone, now=now)
            return Standing(CALM, "Over", f"How was it? {card} is charged on {at}, unless you report a problem.")
        case B.CONFIRMED, S.AUTHORIZED:
            return Standing(GOOD, "Confirmed", f"{card} is held on your card. It is charged 24 hours after the lesson.")
        case B.CONFIRMED, S.LOCKED:
            return Standing(GOOD, "Confirmed", "You moved this lesson late, so it is paid already.")
        case B.COMPLETED, S.AUTHORIZED:
            at = moment(capture_due_at(booking.ends_at), zone, now=now)
            return Standing(CALM, "Took place", f"{card} is charged on {at}, unless you report a problem.")
        case B.COMPLETED, S.LOCKED:
            return Standing(CALM, "Took place", "It is paid already.")
        case _, S.MANUAL_REVIEW:
            return _review(booking)
    return _ended(booking, student=True)


def _for_instructor(booking: Booking, now: datetime, zone: ZoneInfo) -> Standing:
    payment, payout = booking.payment, dollars(booking.payment.instructor_payout_full_cents)
    match booking.status, payment.status:
        case B.PENDING, _:
            return Standing(
                QUIET, "Not paid yet", "The student is still checking out. The time is kept for a short while."
            )
        case B.CONFIRMED, S.PAYMENT_METHOD_REQUIRED if not payment.capture_failed_at:
            return Standing(
                WARN,
                "Payment open",
                "The student's card was declined; they have been asked for another. Without one the lesson is cancelled 12 hours before it begins.",
            )
        case B.CONFIRMED, _ if payment.status in (S.SCHEDULED, S.AUTHORIZED, S.LOCKED) and now >= booking.ends_at:
            return Standing(
                CALM,
                "To complete",
                f"Did it take place? Mark it complete; {payout} is paid out 24 hours after the lesson.",
            )
        case B.CONFIRMED, S.SCHEDULED:
            return Standing(GOOD, "Confirmed", f"You earn {payout}. The student's card is held the day before.")
        case B.CONFIRMED, S.AUTHORIZED | S.LOCKED:
            return Standing(GOOD, "Confirmed", f"The student's payment is secured. You earn {payout}.")
        case B.COMPLETED, S.AUTHORIZED | S.LOCKED:
            at = moment(capture_due_at(booking.ends_at), zone, now=now)
            return Standing(CALM, "Took place", f"{payout} is paid out on {at}.")
        case B.CONFIRMED | B.COMPLETED | B.CANCELLED, S.PAYMENT_METHOD_REQUIRED:
            return Standing(
                WARN, "Payment late", "The student's card failed. We keep trying; after 72 hours we pay you ourselves."
            )
        case _, S.MANUAL_REVIEW:
            return _review(booking)
    return _ended(booking, student=False)


REVIEWS = {
    "no_show": "Somebody reported a no-show. The money waits until it is resolved.",
    "completion_disputed": "The instructor says that the lesson went otherwise. Our support decides.",
    "chargeback": "The student's bank is looking at this payment. Everything waits until it has decided.",
    "capture_escalated": "The card could not be charged for three days. The instructor has been paid; the amount is still owed.",
}


def _review(booking: Booking) -> Standing:
    said = REVIEWS.get(
        booking.payment.review_reason, "Our support is looking at the payment. We write to you when it is done."
    )
    return Standing(WARN, "On hold", said)


def _ended(booking: Booking, *, student: bool) -> Standing:
    if booking.is_moved:
        return Standing(QUIET, "Moved", "This lesson was moved to another time.")
    tone = {B.COMPLETED: GOOD, B.NO_SHOW: WARN}.get(B(booking.status), QUIET)
    word = {B.COMPLETED: "Took place", B.NO_SHOW: "No-show", B.CANCELLED: "Cancelled"}.get(B(booking.status), "Over")
    outcome = booking.payment.settlement_outcome
    said = (
        (STUDENTS_ENDINGS if student else INSTRUCTORS_ENDINGS)[Outcome(outcome)]
        if outcome
        else "The money is being settled."
    )
    p = booking.payment
    return Standing(tone, word, said.format(
        charged=dollars(p.card_charged_cents), refunded=dollars(p.refunded_to_card_cents),
        credit=dollars(p.student_credit_cents), payout=dollars(p.instructor_payout_cents),
    ))  # fmt: skip


STUDENTS_ENDINGS = {
    Outcome.LESSON_COMPLETED: "The lesson took place. {charged} was charged to your card.",
    Outcome.CANCEL_NO_CHARGE: "Nothing was charged, and your credit is back.",
    Outcome.CANCEL_LATE: "Cancelled 12 to 24 hours before: {credit} came back as credit.",
    Outcome.CANCEL_LAST_MINUTE: "Cancelled less than 12 hours before: half of the price, {credit}, came back as credit.",
    Outcome.LOCKED_CANCEL_LATE: "Cancelled 12 hours or more before: {credit} came back as credit.",
    Outcome.LOCKED_CANCEL_LAST_MINUTE: "Cancelled less than 12 hours before: half of the price, {credit}, came back as credit.",
    Outcome.INSTRUCTOR_CANCEL: "Your instructor cancelled: you got everything back.",
    Outcome.INSTRUCTOR_NO_SHOW: "Your instructor did not come: you got everything back.",
    Outcome.MUTUAL_NO_SHOW: "Nobody came: you got everything back.",
    Outcome.STUDENT_NO_SHOW: "You did not come, so the lesson was charged in full.",
    Outcome.STUDENT_WINS_DISPUTE: "Decided for you: you got everything back.",
    Outcome.DISPUTE_WON: "The bank decided that the payment stands.",
    Outcome.CAPTURE_FAILURE_PAID: "Your card failed and we paid your instructor.",
    Outcome.ADMIN_REFUND: "Our support refunded {refunded} to your card.",
}
INSTRUCTORS_ENDINGS = {
    Outcome.LESSON_COMPLETED: "You were paid {payout}.",
    Outcome.CANCEL_NO_CHARGE: "It ended before anything was charged; there is no payout.",
    Outcome.CANCEL_LATE: "Cancelled 12 to 24 hours before; there is no payout.",
    Outcome.CANCEL_LAST_MINUTE: "Cancelled less than 12 hours before: you were paid half, {payout}.",
    Outcome.LOCKED_CANCEL_LATE: "Cancelled 12 hours or more before; there is no payout.",
    Outcome.LOCKED_CANCEL_LAST_MINUTE: "Cancelled less than 12 hours before: you were paid half, {payout}.",
    Outcome.INSTRUCTOR_CANCEL: "You cancelled; the student got everything back.",
    Outcome.INSTRUCTOR_NO_SHOW: "You did not come; the student got everything back.",
    Outcome.MUTUAL_NO_SHOW: "Nobody came; the student got everything back.",
    Outcome.STUDENT_NO_SHOW: "The student did not come: you were paid in full, {payout}.",
    Outcome.STUDENT_WINS_DISPUTE: "Decided for the student; they got everything back.",
    Outcome.DISPUTE_WON: "The bank decided that the payment stands: {payout} is yours.",
    Outcome.CAPTURE_FAILURE_PAID: "The student's card failed; we paid you {payout} ourselves.",
    Outcome.ADMIN_REFUND: "Our support refunded the student; {payout} remains with you.",
}
