"""The platform's money over time, drawn."""

from pathlib import Path
from typing import Any

from .money import Money

ENDED_WELL = {"lesson_completed_full_payout", "dispute_won", "student_no_show_full_payout"}


def draw(money: list[Money], out: Path, title: str) -> None:
    """Three panels over the days: the platform's balance, what went where, how lessons ended."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    days = list(range(1, len(money) + 1))
    figure, (balance, flows, lessons) = plt.subplots(3, 1, figsize=(11, 13), sharex=True, layout="constrained")
    figure.suptitle(title)
    _lines(
        balance,
        days,
        money,
        {"available": "available", "pending": "pending", "credits_owed": "credit owed to students"},
    )
    balance.set_title("The platform's balance at Stripe")
    _lines(
        flows,
        days,
        money,
        {
            "charged": "charged to cards",
            "paid_out": "paid to instructors",
            "refunded": "refunded to cards",
            "stripe_fees": "Stripe's fees",
        },
    )
    flows.set_title("Since the beginning")
    names = sorted({name for day in money for name in day.outcomes}, key=lambda name: (name not in ENDED_WELL, name))
    counts = [[day.outcomes.get(name, 0) for day in money] for name in names]
    lessons.stackplot(
        days,
        counts,
        labels=[name.replace("_", " ") for name in names],
        colors=[plt.get_cmap("tab20")(n % 20) for n in range(len(names))],
    )
    lessons.set_title("Lessons by how their money ended, or where it stands")
    lessons.set_xlabel("day")
    lessons.legend(fontsize=7, loc="upper left", ncols=2)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)


def _lines(axes: Any, days: list[int], money: list[Money], names: dict[str, str]) -> None:
    for name, label in names.items():
        axes.plot(days, [getattr(day, name) / 100 for day in money], label=label)
    axes.set_ylabel("$")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
