"""The community's jobs. Each works on its rows one by one, and running one twice at once is safe."""

from datetime import datetime

from bookings.jobs import Run, each

from .operations import referrals
from .queries import referrals_to_reward

BATCH = 500


def reward_referrals(now: datetime) -> Run:
    """Credits for those by whose code somebody came who has now had a lesson that was paid."""
    return each("reward_referrals", referrals_to_reward(BATCH), lambda one: referrals.reward(one, now))
