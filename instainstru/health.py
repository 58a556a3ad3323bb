"""`GET /healthz/live` and `GET /healthz/ready`: may this process be kept, and may it be sent visitors?"""

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments import gateway

from .heartbeat import cluster_is_alive


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
    missing = []
    database_answers = _database_answers()
    if not database_answers:
        missing.append("database")
    if not gateway.ping():
        missing.append("stripe")
    if not (database_answers and cluster_is_alive()):
        missing.append("job cluster")
    return missing


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
