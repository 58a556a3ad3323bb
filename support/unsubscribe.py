"""The page behind the unsubscribe address of a mail. Looking changes nothing; the mail program's POST and the button do."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import User
from bookings.notifications import TOPIC_WORDS
from bookings.unsubscribing import read_token
from bookings.unsubscribing import unsubscribe as end_topic
from common import clock


@csrf_exempt  # mail programs post without a cookie (RFC 8058); the signed address says who
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """`GET`: which mails, with a button. `POST`: they end."""
    read = read_token(token)
    if read is None or not User.objects.filter(pk=read[0]).exists():
        raise Http404
    if request.method == "POST":
        end_topic(user_id=read[0], topic=read[1], now=clock.now())
    context = {"topic": TOPIC_WORDS[read[1]], "done": request.method == "POST"}
    return render(request, "mail/unsubscribe.html", context)
