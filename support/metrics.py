"""`/metrics` for Prometheus: the figures of `health`, read from the database when they are asked for."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from common import clock

from .health import figures


class Figures(Collector):
    """Every figure as a gauge."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for figure in figures(clock.now()):
            labels = list(figure.values[0][0]) if figure.values else []
            gauge = GaugeMetricFamily(figure.name, figure.help, labels=labels)
            for values, number in figure.values:
                gauge.add_metric([values[label] for label in labels], number)
            yield gauge


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever knows METRICS_TOKEN (`Authorization: Bearer …`). Without a token set there is no page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("Give the token as Authorization: Bearer.\n", status=401, content_type="text/plain")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
