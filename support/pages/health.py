"""How it goes: charts of two days, and the figures that Prometheus gets."""

from django.http import HttpRequest, HttpResponse

from common import clock
from support import charts, health

from .base import drawn, page


@page()
def show(request: HttpRequest) -> HttpResponse:
    """Charts drawn here, and every exported figure."""
    now = clock.now()
    series = health.by_hour(now)
    return drawn(
        request,
        "health.html",
        "Health",
        charts=[
            charts.bars(words, series[kind], first="48 hours ago", last="now") for kind, words in health.KINDS.items()
        ],
        figures=health.figures(now),
        jobs=health.job_durations(),
    )
