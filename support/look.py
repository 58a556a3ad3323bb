"""How the admin looks: its own style sheet, and what stands in its side bar for whom."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


def style(request: HttpRequest) -> str:
    return static("support/desk.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The lists that somebody opens every day; everything else is under "All applications"."""

    def item(title: str, icon: str, name: str, permission: str = "accounts.view_financials") -> dict[str, Any]:
        return {
            "title": title,
            "icon": icon,
            "link": reverse(f"admin:{name}"),
            "permission": lambda request: request.user.has_perm(permission),
        }

    return [
        {
            "title": "Desk",
            "items": [
                item("What waits", "inbox", "desk"),
                item("Asked for", "group_add", "desk_asked"),
                item("Money", "account_balance", "desk_money"),
                item("Ledger", "receipt_long", "desk_ledger"),
                item("Rates", "percent", "desk_rates"),
                item("Mails", "mail", "desk_mails"),
                item("Health", "monitor_heart", "desk_health"),
            ],
        },
        {
            "title": "Lessons",
            "items": [
                item("Bookings", "event", "bookings_booking_changelist"),
                item("People", "group", "accounts_user_changelist", "accounts.view_user"),
            ],
        },
    ]
