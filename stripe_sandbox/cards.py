"""The test cards: numbers, test payment method ids, and what happens when they are charged."""

from dataclasses import dataclass

from stripe_sandbox.errors import StripeError


@dataclass(frozen=True)
class Decline:
    """Why an issuer refuses."""

    code: str
    decline_code: str
    message: str


GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.")
FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."
)
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
FRAUD = Decline("card_declined", "fraudulent", "Your card was declined.")
AUTHENTICATION = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@dataclass(frozen=True)
class Card:
    """One test card. `authentication` is never, always, until_setup or on_session."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    declines: Decline | None = None
    saves: bool = False
    """It can be attached although charges on it are declined."""
    authentication: str = "never"
    available_at_once: bool = False
    dispute: str | None = None
    """The reason of the dispute that follows a charge."""
    inquiry: bool = False
    refund_fails: bool = False

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]


_CARDS = (
    Card("4242424242424242"),
    Card("4000056655665556", funding="debit"),
    Card("5555555555554444", "mastercard"),
    Card("2223003122003222", "mastercard"),
    Card("5200828282828210", "mastercard", "debit"),
    Card("5105105105105100", "mastercard", "prepaid"),
    Card("378282246310005", "amex"),
    Card("371449635398431", "amex"),
    Card("6011111111111117", "discover"),
    Card("3056930009020004", "diners"),
    Card("3566002020360505", "jcb"),
    Card("6200000000000005", "unionpay"),
    Card("4000000000000002", declines=GENERIC),
    Card("4000000000009995", declines=FUNDS),
    Card("4000000000009987", declines=LOST),
    Card("4000000000009979", declines=STOLEN),
    Card("4000000000000069", declines=EXPIRED),
    Card("4000000000000127", declines=CVC),
    Card("4000000000000119", declines=PROCESSING),
    Card("4000000000006975", declines=VELOCITY),
    Card("4100000000000019", declines=FRAUD),
    Card("4000000000000341", declines=GENERIC, saves=True),
    Card("4000002500003155", authentication="until_setup"),
    Card("4000002760003184", authentication="always"),
    Card("4000003800000446", authentication="on_session"),
    Card("4000008260003178", authentication="always", declines=FUNDS, saves=True),
    Card("4000000000003220", authentication="always"),
    Card("4000000000000077", available_at_once=True),
    Card("4000003720000278", available_at_once=True),
    Card("4000000000000259", dispute="fraudulent"),
    Card("4000000000002685", dispute="product_not_received"),
    Card("4000000000001976", dispute="general", inquiry=True),
    Card("4000000000005126", refund_fails=True),
)

BY_NUMBER = {card.number: card for card in _CARDS}

_NAMES = {
    "visa": "4242424242424242",
    "us": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeDeclinedFraudulent": "4100000000000019",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "bypassPending": "4000000000000077",
    "bypassPendingInternational": "4000003720000278",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "refundFail": "4000000000005126",
}

PAYMENT_METHODS = {f"pm_card_{name}": number for name, number in _NAMES.items()}
TOKENS = {f"tok_{name}": number for name, number in _NAMES.items()}


def card_of(number: str) -> Card:
    """The test card with a number. Raises card_error for any other number, as a sandbox of Stripe's does."""
    digits = number.replace(" ", "").replace("-", "")
    card = BY_NUMBER.get(digits)
    if card:
        return card
    if not digits.isdigit() or not _luhn(digits):
        raise StripeError(
            402,
            "card_error",
            "Your card number is incorrect.",
            code="incorrect_number",
            param="number",
        )
    raise StripeError(
        402,
        "card_error",
        "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test "
        "cards, visit: https://stripe.com/docs/testing.",
        code="card_declined",
        decline_code="test_mode_live_card",
    )


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(digits) >= 12
