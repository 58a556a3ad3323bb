"""What is dropped after a while, so that the state file does not grow for ever."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

KEEP_REQUESTS = 200_000
KEEP_DELIVERIES = 200_000
KEEP_EVENTS_SECONDS = 30 * 86400


def forget_old(box: "Sandbox") -> None:
    """Drop all but the latest requests and finished deliveries, and events older than 30 days, as Stripe does."""
    db = box.store.db
    db.execute("DELETE FROM requests WHERE seq <= (SELECT MAX(seq) FROM requests) - ?", (KEEP_REQUESTS,))
    db.execute(
        "DELETE FROM deliveries WHERE status <> 'pending' AND seq <= (SELECT MAX(seq) FROM deliveries) - ?",
        (KEEP_DELIVERIES,),
    )
    db.execute(
        "DELETE FROM o_event WHERE created < ? AND id NOT IN (SELECT event FROM deliveries WHERE status = 'pending')",
        (int(box.clock.now()) - KEEP_EVENTS_SECONDS,),
    )
