"""The lesson side's rows."""

from .booking import Booking
from .calendar import CalendarFeed
from .events import BookingEvent, MailLog
from .no_show import CompletionDispute, NoShowReport
from .support import ReconciliationDifference, ReconciliationRun, SupportItem

__all__ = [
    "Booking",
    "BookingEvent",
    "CalendarFeed",
    "CompletionDispute",
    "MailLog",
    "NoShowReport",
    "ReconciliationDifference",
    "ReconciliationRun",
    "SupportItem",
]
