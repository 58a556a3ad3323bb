"""Wallets, lots and what happened to them. All of it is read here: credits move by their operations only (policy 8)."""

from django.contrib import admin

from accounts.admin import MoneyPage, ReadOnlyRows, cents

from .models import CreditEntry, CreditFreeze, CreditLot, Wallet


class EntryRows(ReadOnlyRows):
    model = CreditEntry
    fields = ("at", "kind", "amount_cents", "payment_id", "reason")
    ordering = ("at", "id")


@admin.register(Wallet)
class WalletAdmin(MoneyPage):
    list_display = ("user", "user_id")
    search_fields = ("user__email", "user__id")
    list_select_related = ("user",)


@admin.register(CreditLot)
class CreditLotAdmin(MoneyPage):
    list_display = ("owner", cents("amount_cents"), "status", "source", "expires_at", "created_at", "reserved_for")
    list_filter = ("status", "source")
    search_fields = ("owner__email", "id", "issue_key", "origin_payment_id", "reserved_for")
    list_select_related = ("owner",)
    date_hierarchy = "expires_at"
    inlines = (EntryRows,)


@admin.register(CreditEntry)
class CreditEntryAdmin(MoneyPage):
    list_display = ("at", "owner", "kind", cents("amount_cents"), "payment_id", "reason")
    list_filter = ("kind",)
    search_fields = ("owner__email", "lot__id", "payment_id", "reason")
    list_select_related = ("owner",)
    date_hierarchy = "at"


@admin.register(CreditFreeze)
class CreditFreezeAdmin(MoneyPage):
    list_display = ("payment_id", "state", "opened_at", "closed_at")
    list_filter = ("state",)
    search_fields = ("payment_id",)
    date_hierarchy = "opened_at"
