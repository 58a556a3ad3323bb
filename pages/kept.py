"""What somebody typed while their session ran out: kept until they have signed in again, shown once, then forgotten."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest, QueryDict

from common.ids import new_id

SESSION_KEY = "kept_form"
PARAMETER = "kept"
LONGEST = 20_000  # characters; no form of ours is longer
NEVER_KEPT = ("csrfmiddlewaretoken", "password")


def keep(request: HttpRequest) -> str:
    """Keep what was posted; returns the address that shows it again."""
    ticket = new_id()
    typed = request.POST.copy()
    for name in list(typed):
        if any(secret in name for secret in NEVER_KEPT):
            del typed[name]
    text = typed.urlencode()
    if len(text) <= LONGEST:
        request.session[SESSION_KEY] = {"ticket": ticket, "path": request.path, "typed": text}
    return (
        f"{request.path}?{urlencode({**dict(parse_qsl(urlsplit(request.get_full_path()).query)), PARAMETER: ticket})}"
    )


def take_back(request: HttpRequest) -> QueryDict | None:
    """What was typed on this page before, once; None when nothing was kept for it."""
    found = request.session.get(SESSION_KEY)
    if not found or found["ticket"] != request.GET.get(PARAMETER) or found["path"] != request.path:
        return None
    del request.session[SESSION_KEY]
    return QueryDict(found["typed"])
