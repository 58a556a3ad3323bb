"""The price list's map, mended here; packages and their lessons, which are only read: they move by their operations."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.admin import MoneyPage, Page, ReadOnlyRows, cents

from .models import Entitlement, Package, PackageProduct


@admin.register(PackageProduct)
class PackageProductAdmin(Page):
    """Which product at Stripe sells whose lessons. Names, prices and amounts are changed at Stripe."""

    list_display = ("service_type", "stripe_product_id", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("service_type", "stripe_product_id")
    date_hierarchy = "created_at"
    filter_horizontal = ("services",)
    readonly_fields = ("id", "created_at")
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # packages hang on it: switch it off instead


class EntitlementRows(ReadOnlyRows):
    model = Entitlement
    fields = ("number", "status", "price_cents", "commission_cents", "late_used", "expires_at", "ended_at")
    ordering = ("number",)


@admin.register(Package)
class PackageAdmin(MoneyPage):
    """A purchase. Its story is in the history of its first booking, its money on its payment."""

    list_display = (
        *("id", "student", "instructor", "status", "lesson_count", cents("price_cents"), "created_at", "expires_at"),
        cents("payment__refunded_to_card_cents", "refunded"),
    )
    list_filter = ("status", "source")
    search_fields = ("id", "student__email", "instructor__email", "payment__payment_intent_id", "price_id")
    list_select_related = ("student", "instructor", "payment")
    date_hierarchy = "created_at"
    inlines = (EntitlementRows,)


@admin.register(Entitlement)
class EntitlementAdmin(MoneyPage):
    list_display = ("package", "number", "status", cents("price_cents"), "late_used", "expires_at")
    list_filter = ("status",)
    search_fields = ("id", "package__id", "package__student__email")
    list_select_related = ("package",)
    date_hierarchy = "expires_at"
