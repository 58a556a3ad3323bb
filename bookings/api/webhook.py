"""Stripe's webhook: dj-stripe's endpoint, opened by a good signature and by nothing else."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from djstripe.models import WebhookEndpoint, WebhookEventTrigger
from djstripe.views import ProcessWebhookView

from accounts.problem_responses import MethodNotAllowed, plain_response
from common.problems import NotFound, Problem

OTHER_SECRET = "HTTP_X_DJSTRIPE_WEBHOOK_SECRET"  # noqa: S105 - with DEBUG, dj-stripe would believe the caller's own secret

receive_at_djstripe = ProcessWebhookView.as_view()


class InvalidSignature(Problem):
    status, code, title = 400, "invalid_signature", "This was not signed by Stripe"
    remedy = "Sign with the secret of this webhook endpoint, over the body as it is sent."


@csrf_exempt
def stripe_webhook(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Check the signature before anything is written, then let dj-stripe store the event."""
    if request.method != "POST":
        refusal = plain_response(MethodNotAllowed("Stripe posts its events."), request.path)
        refusal.headers["Allow"] = "POST"
        return refusal
    request.META.pop(OTHER_SECRET, None)
    request.__dict__.pop("headers", None)  # Django has read them already
    endpoint = WebhookEndpoint.objects.filter(djstripe_uuid=uuid).first()
    if endpoint is None:
        return plain_response(NotFound(), request.path)
    if not _is_signed(request, endpoint):
        return plain_response(InvalidSignature(), request.path)
    answer: HttpResponse = receive_at_djstripe(request, uuid=uuid)
    return answer


def _is_signed(request: HttpRequest, endpoint: Any) -> bool:
    if not endpoint.secret or "stripe-signature" not in request.headers:
        return False
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        return False
    unsaved = WebhookEventTrigger(headers=dict(request.headers), body=body)
    return bool(unsaved.verify_signature(endpoint.secret, endpoint.djstripe_tolerance))


# The names under which dj-stripe looks its own address up.
urls: tuple[list[URLPattern], str] = (
    [path("webhook/<uuid:uuid>/", stripe_webhook, name="djstripe_webhook_by_uuid")],
    "djstripe",
)
