"""Whole cents, rounded half-up once and nowhere else."""

BASIS_POINTS = 10_000


def half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded half-up, for non-negative whole numbers (policy 1).

    Raises ValueError for a negative numerator or a denominator below 1.
    """
    if numerator < 0 or denominator < 1:
        raise ValueError(f"half_up takes a non-negative amount and a positive divisor, not {numerator}/{denominator}")
    return (2 * numerator + denominator) // (2 * denominator)


def share(amount_cents: int, rate_bps: int) -> int:
    """`rate_bps` basis points of an amount in cents, half-up."""
    return half_up(amount_cents * rate_bps, BASIS_POINTS)


def half(amount_cents: int) -> int:
    """Half of an amount in cents, half-up (policy 1: the <12 h rule)."""
    return half_up(amount_cents, 2)


def split(amount_cents: int, weights: list[int]) -> list[int]:
    """Divide an amount in proportion to weights so that the parts add up exactly; the remainder goes to the last."""
    total, given, parts = sum(weights), 0, []
    seen = 0
    for weight in weights:
        seen += weight
        part = half_up(amount_cents * seen, total) - given if total else 0
        parts.append(part)
        given += part
    return parts


def dollars(amount_cents: int) -> str:
    """`$1,234.56`, for people."""
    sign = "-" if amount_cents < 0 else ""
    return f"{sign}${abs(amount_cents) // 100:,}.{abs(amount_cents) % 100:02d}"
