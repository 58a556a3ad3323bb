"""The account: name and zone, where to change what protects it, and all that is kept about one, to take along."""

import json
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import HttpRequest, HttpResponse
from rest_framework.renderers import JSONRenderer

from accounts.details import change_details
from accounts.models import User
from bookings.api.answers import BookingDocument
from bookings.queries import bookings_seen_by
from common.actors import Role
from credits.queries import history_of
from pages.door import FormPage, Page, to
from pages.forms import PageForm, Text
from pages.lessons.cards import saved_cards

EVERYBODY = (Role.STUDENT, Role.INSTRUCTOR, Role.STAFF)


def zones() -> list[tuple[str, str]]:
    """Every zone people live in, by name."""
    named = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [(name, name.replace("_", " ")) for name in sorted(named)] + [("UTC", "UTC")]


class DetailsInput(PageForm):
    first_name = Text(label="First name", max_length=80)
    last_name = Text(label="Last name", max_length=80, required=False, help_text="Others see its first letter only.")
    timezone = forms.ChoiceField(label="Time zone", choices=zones, help_text="All times are shown in it.")


class Account(FormPage):
    """Name and zone."""

    template, title, form = "pages/member/account.html", "Account", DetailsInput
    roles = EVERYBODY
    done_words = "Saved."

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        return {name: getattr(self.user, name) for name in ("first_name", "last_name", "timezone")}

    def operate(self, **said: str) -> User:
        return change_details(user=self.user, **said)

    def done_url(self, result: object) -> str:
        return to("account")


class Export(Page):
    """All that is kept about somebody, as one file."""

    roles = EVERYBODY

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        user = self.user
        lessons: Any = bookings_seen_by(user).order_by("starts_at") if user.role != Role.STAFF else []
        kept = {
            "person": {
                name: getattr(user, name)
                for name in ("id", "email", "first_name", "last_name", "role", "timezone", "created_at")
            },
            "lessons": BookingDocument(lessons, many=True, context={"viewer": user}).data,
            "credits": [
                {"at": entry.at, "kind": entry.kind, "amount_cents": entry.amount_cents, "source": entry.lot.source}
                for entry in history_of(user_id=user.pk)
            ],
            "cards": [
                {"brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year}
                for card in saved_cards(user)
            ],
        }
        text = json.dumps(json.loads(JSONRenderer().render(kept)), indent=2, ensure_ascii=False)
        answer = HttpResponse(text, content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="instainstru.json"'
        return answer
