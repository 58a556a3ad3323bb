"""Find an instructor: slips are forgiven; place, price and rating narrow."""

from typing import Any

from django import forms
from django.core.paginator import Paginator

from catalog.models import Modality
from catalog.search import Wanted, forgiving, search
from pages.door import Page
from pages.forms import PageForm, Text

PER_PAGE = 12
DOLLARS = (80, 100, 120, 150)


class FindInput(PageForm):
    q = Text(label="What would you like to learn?", max_length=100, required=False)
    where = forms.ChoiceField(label="Where", choices=[("", "Anywhere"), *Modality.choices], required=False)
    at_most = forms.TypedChoiceField(
        label="An hour costs at most",
        coerce=int,
        empty_value=None,
        choices=[("", "Any price"), *((dollars, f"${dollars}") for dollars in DOLLARS)],
        required=False,
    )


class Find(Page):
    """Whom the words find, the best first."""

    template, title = "pages/public/find.html", "Find an instructor"
    public = True

    def content(self, **path: Any) -> dict[str, Any]:
        form = FindInput(self.request.GET)
        said = form.cleaned_data if form.is_valid() else {}
        at_most = said.get("at_most")
        wanted = Wanted(
            q=said.get("q", ""),
            modality=said.get("where", ""),
            max_price_cents=at_most * 100 if at_most else None,
        )
        found: Any = search(wanted)
        with forgiving():
            page = Paginator(found.order_by("-rank"), PER_PAGE).get_page(self.request.GET.get("page"))
            profiles = list(page)
        return {"form": form, "profiles": profiles, "page": page, "wanted": wanted}
