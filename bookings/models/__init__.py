"""The lesson side's rows."""

from .booking import Booking
from .calendar import CalendarFeed
from .events import BookingEvent, MailLog
from .mail_choices import Unsubscribed
from .no_show import CompletionDispute, NoShowReport
from .rates import RateChange, rates_at
from .support import ReconciliationDifference, ReconciliationRun, SupportItem

__all__ = [
    "Booking",
    "BookingEvent",
    "CalendarFeed",
    "CompletionDispute",
    "MailLog",
    "NoShowReport",
    "RateChange",
    "ReconciliationDifference",
    "ReconciliationRun",
    "SupportItem",
    "Unsubscribed",
    "rates_at",
]
