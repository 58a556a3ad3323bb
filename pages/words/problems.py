"""Refusals, said kindly: what happened, what did not, and what to do next. By code; what is not here says its own detail."""

from common.problems import Problem

WORDS = {
    "operation_in_progress": "Something else is happening to this lesson at this very moment. Wait a few seconds and try again; nothing was done twice.",
    "rate_limited": "That was a little fast. Wait a minute and try again.",
    "stripe_unavailable": "Our payment partner does not answer right now. Nothing was lost: what you decided is kept and carried on as soon as they are back.",
    "stripe_error": "Our payment partner refused this and we do not know why yet. Nothing was charged twice; our support has been told.",
    "database_unavailable": "We cannot reach our own books for a moment. Nothing was lost. Try again in a few seconds.",
    "booking_conflict": "Somebody has just taken this time. Choose another one below; everything else you typed is still here.",
    "booking_cancelled": "This booking was cancelled meanwhile, so nothing was done.",
    "already_settled": "The money of this lesson is final. Write to us if something is wrong with it.",
    "under_review": "Our support is looking at this lesson. Nothing moves until they have decided; they will write to you.",
    "booking_not_confirmed": "This lesson is not paid for yet. Finish the checkout first.",
    "booking_not_cancellable": "This lesson can no longer be cancelled.",
    "lesson_not_ended": "This is possible once the lesson has ended.",
    "lesson_started": "The lesson has already started, so it can no longer be paid for here.",
    "checkout_expired": "The 30 minutes to pay are over and the time is free for others again. Book it once more.",
    "instructor_not_payable": "This instructor is still setting up their payouts and cannot take bookings yet.",
    "nothing_to_pay": "There is nothing to pay for this lesson right now.",
    "authentication_required": "Your bank wants you to confirm this payment. Try once more and confirm when it asks.",
    "insufficient_funds": "There is not enough money on this card. Nothing was charged. Choose another card; everything you typed is still here.",
    "card_declined": "The card was declined. Nothing was charged. Choose another card; everything you typed is still here.",
    "card_not_saved": "The card could not be saved. Nothing was charged. Check its number or choose another.",
    "payment_method_missing": "Choose a card, or enter a new one.",
    "unknown_payment_method": "We do not know this card. Choose a saved one or enter a new one.",
    "payment_method_in_use": "An upcoming lesson will be charged to this card. Choose another card for that lesson first.",
    "quote_expired": "While you were reading, the terms changed. Nothing was done. Here is what it comes to now; decide again.",
    "reschedule_window_closed": "A lesson less than 12 hours away can no longer be moved.",
    "reschedule_locked": "This lesson was already moved late once, so it cannot be moved again.",
    "reschedule_card_declined": "The card was declined, so the lesson stays where it was. Change its card, then move it.",
    "starts_in_past": "That time is over. Choose a later one.",
    "notice_too_short": "The instructor needs more notice than that. Choose a later time.",
    "outside_availability": "The instructor does not teach at that time any more. Choose one of the free times.",
    "not_on_quarter_hour": "Lessons start on the quarter hour. Choose one of the times below.",
    "too_far_ahead": "That is too far ahead. Choose a nearer time.",
    "overnight_protection": "This lesson would be booked during the night for the coming morning. Choose a later time.",
    "no_show_window_closed": "A no-show can be reported from the lesson's start until 24 hours after its end.",
    "no_show_already_reported": "You have reported this already. The other side has 24 hours to answer.",
    "no_show_already_disputed": "You have answered this report already. Our support decides now.",
    "dispute_window_closed": "The 24 hours to answer are over.",
    "account_locked": "There is an unpaid lesson on your account. Pay for it first; then you can book again.",
    "account_restricted": "Your account cannot book at the moment. Write to us and we will look at it together.",
    "negative_balance": "Your credit is below zero after a chargeback. It has to be settled before you can book again.",
    "price_below_floor": "This lesson costs less than lessons of its kind may cost, so it cannot be booked. The instructor has to change the price.",
    "service_inactive": "This lesson is no longer offered.",
    "not_onboarded": "Your payouts are not set up yet. Set them up first; it takes five minutes.",
    "payout_too_small": "That is too little for being paid at once.",
    "insufficient_balance": "That much is not available yet.",
    "not_found": "There is nothing here, or it is not yours to see. Maybe you are signed in as somebody else.",
    "csrf_failed": "This page was open for too long. Load it again and send it once more.",
}


def in_words(problem: Problem) -> str:
    """What a person is told."""
    if problem.code == "invalid":
        return "Something in the form is not right yet."
    return WORDS.get(problem.code, problem.detail if problem.detail.endswith((".", "!", "?")) else f"{problem.detail}.")
