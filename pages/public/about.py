"""Terms, and what search engines read: a map of the site, rules for robots, a picture to share."""

from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog.queries import listed_instructors
from pages.door import Page

MOST = 5000
READABLE = ("home", "find", "policy", "terms")
PRIVATE = ("/lessons", "/wallet", "/billing", "/account", "/teach", "/admin/", "/api/", "/sandbox/")


class Terms(Page):
    """What everybody agrees to."""

    template, title = "pages/public/terms.html", "Terms"
    public = True

    def content(self, **path: Any) -> dict[str, Any]:
        return {}


@require_safe
@cache_control(public=True, max_age=3600)
def site_map(request: HttpRequest) -> HttpResponse:
    """The pages anybody may read, for search engines."""
    addresses = [reverse(name) for name in READABLE]
    instructors = listed_instructors().values_list("pk", flat=True)[:MOST]
    addresses += [reverse("instructor", kwargs={"instructor_id": pk}) for pk in instructors]
    lines = "".join(f"<url><loc>{escape(settings.SITE_URL + address)}</loc></url>" for address in addresses)
    xml = f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</urlset>'
    return HttpResponse(xml, content_type="application/xml")


@require_safe
@cache_control(public=True, max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines leave alone; in sandbox mode, everything."""
    closed = ["/"] if settings.SANDBOX_MODE else PRIVATE
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), f"Sitemap: {settings.SITE_URL}/sitemap.xml"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
