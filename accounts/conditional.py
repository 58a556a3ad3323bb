"""Reads that cost nothing when nothing has changed: a weak ETag of the rendered answer, and 304 to who has it already."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework.request import Request

PRIVATE = "private, no-cache"  # a browser may keep it, must ask each time, and no proxy may share it
OF_A_BODY = ("Content-Type", "Content-Length")


def unless_known(request: Request | HttpRequest, response: HttpResponse) -> HttpResponse:
    """The rendered answer to a GET with its ETag (its own, if it has one), or 304 without a body (RFC 9110, 13.1.2)."""
    patch_vary_headers(response, ("Authorization", "Cookie"))
    response.headers.setdefault("Cache-Control", PRIVATE)
    response.headers.setdefault("ETag", f'W/"{hashlib.sha256(response.content).hexdigest()[:32]}"')
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in known and _opaque(response["ETag"]) not in map(_opaque, known):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in OF_A_BODY}
    return HttpResponseNotModified(headers=kept)


def _opaque(etag: str) -> str:
    """What is compared: for a read, weak and strong are the same."""
    return etag.removeprefix("W/")
