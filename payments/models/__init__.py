"""The money side's rows."""

from .connect import ConnectAccount, PaymentMethod
from .disputes import Chargeback
from .inbox import StripeEventInbox
from .ledger import LedgerEntry, LedgerLine
from .payment import Payment
from .plans import MoneyMovement, MoneyPlan

__all__ = [
    "Chargeback",
    "ConnectAccount",
    "LedgerEntry",
    "LedgerLine",
    "MoneyMovement",
    "MoneyPlan",
    "Payment",
    "PaymentMethod",
    "StripeEventInbox",
]
