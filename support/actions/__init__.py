"""Everything staff can do at the desk: one row per action, each shown before it happens and done once."""

from . import about_accounts, about_bookings, about_rates, about_records  # noqa: F401  # they register their actions
from .action import ACTIONS, Action, Effect, Shown

__all__ = ["ACTIONS", "Action", "Effect", "Shown"]
