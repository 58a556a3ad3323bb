"""Notes and desk actions as rows: looked at here, made on the desk's own pages."""

from django.contrib import admin

from accounts.admin import MoneyPage, cents

from .models import DeskAction, Note


@admin.register(Note)
class NoteAdmin(MoneyPage):
    list_display = ("at", "author", "booking_id", "person_id", "text")
    search_fields = ("booking__id", "person__id", "text")
    list_select_related = ("author",)
    date_hierarchy = "at"


@admin.register(DeskAction)
class DeskActionAdmin(MoneyPage):
    list_display = (
        "asked_at",
        "action",
        "booking_id",
        cents("money_cents"),
        "state",
        "asked_by",
        "decided_by",
        "result",
    )
    list_filter = ("state", "action", "needs_second")
    search_fields = ("subject_id", "booking_id", "person_id", "asked_by__email")
    list_select_related = ("asked_by", "decided_by")
    date_hierarchy = "asked_at"
