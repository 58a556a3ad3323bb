"""Automatic payouts of accounts whose schedule is not manual."""

from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, private

DAY = 86400
INTERVALS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY}


def plan_automatic_payout(box: Sandbox, account: Doc) -> None:
    """Plan the next automatic payout, at midnight UTC, when the account wants one and none is planned."""
    interval = account["settings"]["payouts"]["schedule"]["interval"]
    if interval not in INTERVALS or not account["payouts_enabled"] or private(account).get("payout_planned"):
        return
    private(account)["payout_planned"] = True
    box.save("account", account)
    days = INTERVALS[interval] // DAY
    box.schedule.add((box.now // DAY + days) * DAY, "automatic_payout", account["id"])
