"""`GET /healthz/live` and `GET /healthz/ready`: may this process be kept, and may it be sent visitors?"""

import math
import time
from types import SimpleNamespace

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments import gateway

from .heartbeat import cluster_is_alive

SECONDS_BETWEEN_PINGS = 5
_last_ping = SimpleNamespace(at=-math.inf)


@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """200 when the database, Stripe (or its sandbox) and a job cluster are there; 503 naming what is missing."""
    missing = what_is_missing()
    if missing:
        return JsonResponse({"status": "unavailable", "missing": missing}, status=503)
    return JsonResponse({"status": "ok", "missing": []})


def what_is_missing() -> list[str]:
    """The names of what does not answer: `database`, `stripe`, `job cluster`."""
    if not _database_answers():
        return ["database", "job cluster"]  # the cluster works from the database; Stripe cannot be paced without it
    answers = {"stripe": _stripe_answers(), "job cluster": cluster_is_alive()}
    return [name for name, there in answers.items() if not there]


def _stripe_answers() -> bool:
    """Asked at most every SECONDS_BETWEEN_PINGS, however often somebody wants to know."""
    if time.monotonic() > _last_ping.at + SECONDS_BETWEEN_PINGS:
        try:
            gateway.ping()
        except (gateway.OutcomeUnknown, gateway.Declined):
            return False
        _last_ping.at = time.monotonic()
    return True


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
