"""Saving only what one has read: strong ETags and `If-Match` (RFC 9110, 13.1.1)."""

from collections.abc import Callable

from django.utils.http import parse_etags
from rest_framework.request import Request

from common.problems import Problem


class PreconditionRequired(Problem):
    """A save without `If-Match` could overwrite what somebody else has saved meanwhile."""

    status, code, title = 428, "precondition_required", "Say which version you have read"
    remedy = "Send `If-Match` with the ETag that reading it answered."


def strong_etag(version: str) -> str:
    """The ETag of a version of a document."""
    return f'"{version}"'


def if_match(request: Request) -> Callable[[str], bool]:
    """Whether a version is one that the request may replace. Raises PreconditionRequired when it does not say which."""
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired()
    known = parse_etags(header)  # a weak one matches nothing: it is compared with its W/
    return lambda version: "*" in known or strong_etag(version) in known
