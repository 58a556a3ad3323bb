"""Instructors and what they teach. Texts and hours can be mended here; rates and commissions cannot be typed over."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.admin import MoneyPage, Page, ReadOnlyRows, Rows, cents

from .models import AvailabilityException, FoundingPlace, InstructorProfile, Service, WeeklyHours

RATINGS = ("rating_sum", "rating_count")  # kept with the reviews


class HoursRows(Rows):
    model = WeeklyHours
    extra = 0


class ExceptionRows(Rows):
    model = AvailabilityException
    extra = 0


class ServiceRows(ReadOnlyRows):
    model = Service
    fields = ("name", "hourly_rate_cents", "durations", "modalities", "is_active")
    show_change_link = True


class CatalogPage(Page):
    """Rows that come from their operations, are mended here and never deleted: lessons hang on them."""

    actions = None
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(InstructorProfile)
class InstructorProfileAdmin(CatalogPage):
    list_display = ("user", "first_name", "commission_bps", "is_founding", "is_listed", "tier_evaluated_at")
    list_filter = ("commission_bps", "is_founding", "is_listed")
    search_fields = ("user__email", "user__first_name", "user__last_name")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    readonly_fields = ("user", "commission_bps", "is_founding", "tier_evaluated_at", "created_at", *RATINGS)
    inlines: ClassVar[list[Any]] = [ServiceRows, HoursRows, ExceptionRows]

    @admin.display(ordering="user__first_name")
    def first_name(self, profile: InstructorProfile) -> str:
        return profile.user.first_name


@admin.register(Service)
class ServiceAdmin(CatalogPage):
    list_display = ("name", "instructor", cents("hourly_rate_cents"), "durations", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "instructor__user__email", "id")
    list_select_related = ("instructor__user",)
    date_hierarchy = "created_at"
    readonly_fields = ("id", "instructor", "hourly_rate_cents", "created_at")


@admin.register(FoundingPlace)
class FoundingPlaceAdmin(MoneyPage):
    list_display = ("number", "instructor", "granted_at")
    search_fields = ("instructor__user__email",)
    list_select_related = ("instructor__user",)
    ordering = ("number",)


@admin.register(WeeklyHours)
class WeeklyHoursAdmin(MoneyPage):
    """Changed on their instructor's page."""

    list_display = ("instructor", "weekday", "starts", "ends")
    list_filter = ("weekday",)
    search_fields = ("instructor__user__email",)
    list_select_related = ("instructor__user",)


@admin.register(AvailabilityException)
class AvailabilityExceptionAdmin(MoneyPage):
    """Changed on their instructor's page."""

    list_display = ("instructor", "date", "starts", "ends", "is_available")
    list_filter = ("is_available",)
    search_fields = ("instructor__user__email",)
    list_select_related = ("instructor__user",)
    date_hierarchy = "date"
