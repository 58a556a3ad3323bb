"""Every mail that can be written, with real data: as text here, as HTML on a page of its own that may do nothing."""

from django.http import Http404, HttpRequest, HttpResponse

from bookings.mail import Rendered, rendered
from bookings.models import MailLog
from bookings.notifications import CAN_WAIT, OTHERS, TOLD, TOPICS
from common import clock
from support.samples import sample

from .base import drawn, page

# The HTML of a mail brings its styles with it, as mail programs want it. It is shown under a policy of its own: no scripts,
# no forms, nothing from anywhere, a foreign origin.
MAIL_POLICY = {"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "sandbox": True}


@page()
def listed(request: HttpRequest) -> HttpResponse:
    """The table event -> reader -> mail, with a preview of each."""
    rows = [
        (kind, role, "a lesson's event" if kind in TOLD else "by its cause", kind in CAN_WAIT, TOPICS.get(kind, ""))
        for kind, roles in {**TOLD, **OTHERS}.items()
        for role in roles
    ]
    return drawn(request, "mails.html", "Mails", rows=rows)


@page()
def preview(request: HttpRequest, kind: str, role: str) -> HttpResponse:
    """One mail, from the latest that was written, or from the latest lesson; `html=1` shows its HTML alone."""
    if role not in {**TOLD, **OTHERS}.get(kind, ()):
        raise Http404
    said, from_what = _written(kind, role) or (None, "")
    if request.GET.get("html") and said is not None:
        answer = HttpResponse(said.html)
        answer._csp_replace = MAIL_POLICY  # type: ignore[attr-defined]  # django-csp's own word for it
        answer["X-Robots-Tag"] = "noindex"
        return answer
    return drawn(
        request, "mail.html", f"{kind.replace('_', ' ').capitalize()}, to the {role}", said=said, what=from_what
    )


def _written(kind: str, role: str) -> tuple[Rendered, str] | None:
    latest = MailLog.objects.filter(kind=f"{kind}.{role}").select_related("recipient", "event__booking__payment")
    mail = latest.order_by("-created_at", "-id").first()
    if mail is not None:  # the table above names only kinds that are written
        return rendered(mail), f"as written {mail.created_at:%Y-%m-%d %H:%M} UTC to {mail.to}"
    made_up = sample(kind, role, now=clock.now())
    return (rendered(made_up), "from the latest lesson; nobody was sent it") if made_up else None
