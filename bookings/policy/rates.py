"""What of the money finance may change (policy 1): the fee, the tiers' commissions, the floors. Plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """Basis points, and cents for 60 minutes."""

    student_fee_bps: int = 1200
    base_bps: int = 1500
    middle_bps: int = 1200
    best_bps: int = 1000
    floor_in_person_cents: int = 8000
    floor_online_cents: int = 6000

    @property
    def commissions(self) -> tuple[int, int, int]:
        """Of the tiers, the best first, as catalog.tiers takes them."""
        return self.best_bps, self.middle_bps, self.base_bps

    @property
    def floors(self) -> dict[str, int]:
        return {"in_person": self.floor_in_person_cents, "online": self.floor_online_cents}


DEFAULT = Rates()
