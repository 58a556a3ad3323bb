"""The platform's own money at Stripe: explicit payouts draw on its available balance, so it needs a float."""

from datetime import datetime

from django.db import transaction

from . import gateway, ledger


def fund_platform(*, amount_cents: int, payment_method: str, now: datetime, key: str) -> int:
    """Charge a card of the platform's own and book it; returns what is available after Stripe's fee, in cents.

    With a test card whose funds are available at once this is how a test platform gets its float. Raises Declined or
    OutcomeUnknown.
    """
    intent = gateway.fund(amount_cents=amount_cents, payment_method=payment_method, key=key)
    charge = intent["latest_charge"]
    fee: int = charge["balance_transaction"]["fee"]
    with transaction.atomic():
        ledger.post(
            key=f"float:{intent['id']}",
            kind="float",
            at=now,
            memo="The platform's own money",
            lines=[
                ledger.Line(ledger.PLATFORM, amount_cents - fee, charge["id"]),
                ledger.Line(ledger.STRIPE_FEES, fee),
                ledger.Line(ledger.BANK, -amount_cents),
            ],
        )
    return amount_cents - fee
