"""The pages under /admin/desk/: their addresses. `support/site.py` puts them into the admin."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from . import acting, approving, booking_file, health, mails, money, person_file, waiting


def urls(wrap: Callable[..., Any]) -> list[URLPattern]:
    """Every page of the desk, each wrapped as the admin wraps its own views."""
    pages = [
        ("", waiting.waiting_list, "desk"),
        ("items/<str:item_id>/claim/", waiting.claim, "desk_claim"),
        ("items/<str:item_id>/release/", waiting.release, "desk_release"),
        ("bookings/<str:booking_id>/", booking_file.show, "desk_booking"),
        ("bookings/<str:booking_id>/notes/", booking_file.add_note, "desk_booking_note"),
        ("people/<str:person_id>/", person_file.show, "desk_person"),
        ("people/<str:person_id>/notes/", person_file.add_note, "desk_person_note"),
        ("act/<slug:name>/<str:subject_id>/", acting.act, "desk_act"),
        ("money/", money.overview, "desk_money"),
        ("money/ledger/", money.ledger, "desk_ledger"),
        ("money/rates/", money.rates, "desk_rates"),
        ("health/", health.show, "desk_health"),
        ("mails/", mails.listed, "desk_mails"),
        ("mails/<slug:kind>/<slug:role>/", mails.preview, "desk_mail"),
        ("asked/", approving.waiting, "desk_asked"),
        ("asked/<str:action_id>/", approving.show, "desk_asked_one"),
        ("asked/<str:action_id>/decide/", approving.decide, "desk_decide"),
    ]
    return [path(f"desk/{where}", wrap(view), name=name) for where, view, name in pages]
