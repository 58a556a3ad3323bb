"""What Stripe did without our asking, booked as it is read back: payouts to banks, money of our own."""

from datetime import datetime

from . import instant_payouts, payouts
from .models import InstantPayout


def note_payout(payout_id: str, *, account: str, now: datetime) -> str:
    """Read a payout back and book it: out of the balance when it was made, back into it when it failed or was cancelled.

    The fee of an instant payout that came back is given back. Raises OperationInProgress, StripeUnavailable or StripeFailed.
    """
    fields, payout = payouts.read_back(payout_id, account=account, now=now)
    if payout is not None and payout.status in instant_payouts.CAME_BACK:
        instant = InstantPayout.objects.filter(payout=payout).values_list("pk", flat=True).first()
        if instant:
            instant_payouts.finish(instant, now)
    return str(fields["status"])
