"""What Stripe did without our asking, booked as it is read back: payouts to banks, money of our own."""

from datetime import datetime

from django.db import transaction

from common.problems import StripeFailed, StripeUnavailable

from . import gateway, ledger


def note_payout(payout_id: str, *, account: str, now: datetime) -> str:
    """Read a payout back and book it: out of the balance when it was made, back into it when it failed or was cancelled."""
    try:
        payout = gateway.payout(payout_id, account=account)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    balance = ledger.connected(account) if account else ledger.PLATFORM
    with transaction.atomic():
        ledger.post(
            key=f"payout:{payout_id}",
            kind="payout",
            at=now,
            lines=[
                ledger.Line(balance, -payout["amount"], payout_id),
                ledger.Line(ledger.BANK, payout["amount"]),
            ],
        )
        if payout["status"] in ("failed", "canceled"):
            ledger.post(
                key=f"payout_returned:{payout_id}",
                kind="payout_returned",
                at=now,
                lines=[
                    ledger.Line(balance, payout["amount"], payout_id),
                    ledger.Line(ledger.BANK, -payout["amount"]),
                ],
            )
    return str(payout["status"])
