"""A bar chart drawn by the server: what lessons brought, week by week or month by month."""

from dataclasses import dataclass
from datetime import date

from bookings.earnings import Point

WIDTH, HEIGHT, TOP, FOOT = 600, 190, 14, 26
GAP = 0.35  # of a bar's place


@dataclass(frozen=True, slots=True)
class Bar:
    """One week or month: where its bar stands, and what it says."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    earned_cents: int
    starts_on: date


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, and the line of the highest one."""

    bars: list[Bar]
    highest_cents: int
    width: int = WIDTH
    height: int = HEIGHT
    ground: int = HEIGHT - FOOT
    top: int = TOP


def chart_of(points: list[Point]) -> Chart:
    """The chart of such points, oldest first."""
    highest = max((point.earned_cents for point in points), default=0)
    place = WIDTH / max(len(points), 1)
    room = HEIGHT - FOOT - TOP
    bars = []
    for n, point in enumerate(points):
        height = room * point.earned_cents / highest if highest else 0
        bars.append(
            Bar(
                x=round(n * place + place * GAP / 2, 1),
                y=round(HEIGHT - FOOT - height, 1),
                width=round(place * (1 - GAP), 1),
                height=round(height, 1),
                middle=round(n * place + place / 2, 1),
                label=f"{point.starts_on:%b}"
                if n == 0 or point.starts_on.month != points[n - 1].starts_on.month
                else "",
                earned_cents=point.earned_cents,
                starts_on=point.starts_on,
            )
        )
    return Chart(bars, highest)
