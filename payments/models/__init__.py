"""The money side's rows."""

from .connect import ConnectAccount, PaymentMethod
from .disputes import Chargeback
from .inbox import StripeEventInbox
from .ledger import LedgerEntry, LedgerLine
from .payment import Payment
from .payouts import InstantPayout, Payout
from .plans import MoneyMovement, MoneyPlan

__all__ = [
    "Chargeback",
    "ConnectAccount",
    "InstantPayout",
    "LedgerEntry",
    "LedgerLine",
    "MoneyMovement",
    "MoneyPlan",
    "Payment",
    "PaymentMethod",
    "Payout",
    "StripeEventInbox",
]
