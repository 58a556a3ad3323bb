"""The first page."""

from typing import Any

from catalog.queries import listed_instructors
from pages.door import Page

SHOWN = 6


class Home(Page):
    """What this is, and some instructors to begin with."""

    template, title = "pages/public/home.html", "Private lessons, paid safely"
    public = True

    def content(self, **path: Any) -> dict[str, Any]:
        return {"profiles": list(listed_instructors()[:SHOWN])}
