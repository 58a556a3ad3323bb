"""Lessons for support: everything about a booking on one page, the queue, and the jobs. Read here; decided by operations."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success

from accounts.admin import MoneyPage, ReadOnlyPage, ReadOnlyRows, cents, page_of, table
from accounts.models import User
from common.actors import Role
from common.money import dollars
from payments.admin import money_table, movements_table, plans_table, stripe_table

from .models import (
    Booking,
    BookingEvent,
    CalendarFeed,
    CompletionDispute,
    MailLog,
    NoShowReport,
    RateChange,
    ReconciliationDifference,
    ReconciliationRun,
    SupportItem,
    Unsubscribed,
)


@admin.register(Booking)
class BookingAdmin(MoneyPage):
    """The booking file: what was agreed, what happened, to the cent."""

    list_display = (
        "id",
        "file",
        "starts_at",
        "student",
        "instructor",
        "status",
        "payment_status",
        "outcome",
        cents("payment__card_amount_cents", "card"),
        cents("payment__instructor_payout_cents", "payout"),
    )
    list_filter = ("status", "payment__status", "payment__settlement_outcome", "payment__review_reason")
    search_fields = ("id", "student__email", "instructor__email", "payment__id", "payment__payment_intent_id")
    list_select_related = ("student", "instructor", "payment")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-id")
    readonly_fields = (
        *("payment_status", "outcome", "chain", "money", "timeline", "decisions", "movements", "at_stripe"),
        *("reports", "mails", "for_support"),
    )
    fieldsets = (
        (None, {"fields": ("id", "status", "payment_status", "outcome", "student", "instructor", "service")}),
        ("When and where", {"fields": ("starts_at", "ends_at", "timezone", "location_type", "address", "note")}),
        ("Money", {"fields": ("payment", "money", "at_stripe")}),
        ("History", {"fields": ("chain", "timeline", "reports", "for_support")}),
        ("Decisions and movements", {"fields": ("decisions", "movements")}),
        ("Mails", {"fields": ("mails",)}),
        (
            "Details",
            {
                "classes": ("collapse",),
                "fields": (
                    *("created_at", "confirmed_at", "completed_at", "completion_note", "cancelled_at"),
                    *("cancelled_by", "cancellation_reason", "holds_slot", "rescheduled_from", "request_key"),
                ),
            },
        ),
    )

    def file(self, booking: Booking) -> SafeString:
        """The booking's file at the desk."""
        return format_html('<a href="{}">Open</a>', reverse("admin:desk_booking", args=[booking.pk]))

    @admin.display(description="payment status", ordering="payment__status")
    def payment_status(self, booking: Booking) -> str:
        return booking.payment_status

    @admin.display(ordering="payment__settlement_outcome")
    def outcome(self, booking: Booking) -> str:
        return booking.payment.settlement_outcome

    @admin.display(description="Rescheduled")
    def chain(self, booking: Booking) -> SafeString:
        """Every booking the lesson was, oldest first: they share one payment."""
        same = Booking.objects.filter(payment=booking.payment_id).order_by("created_at", "id")
        return table(
            ("Booking", "Start", "Status"),
            ((row.pk if row.pk == booking.pk else page_of(row), row.starts_at, row.status) for row in same),
        )

    def money(self, booking: Booking) -> SafeString:
        return money_table(booking.payment)

    def timeline(self, booking: Booking) -> SafeString:
        """What happened, through all the bookings the lesson was."""
        events = BookingEvent.objects.filter(booking__payment=booking.payment_id).order_by("at", "id")
        return table(
            ("When", "What", "Who", "Booking", "Payment", "Reason", "Amounts", "Details"),
            (
                (
                    event.at,
                    event.kind,
                    f"{event.actor_role} {event.actor_id} ({event.door})",
                    _change(event.status_from, event.status_to),
                    _change(event.payment_status_from, event.payment_status_to),
                    event.reason,
                    ", ".join(f"{name.removesuffix('_cents')} {dollars(n)}" for name, n in event.amounts.items() if n),
                    ", ".join(f"{name} {value}" for name, value in event.details.items() if value),
                )
                for event in events
            ),
        )

    def decisions(self, booking: Booking) -> SafeString:
        return plans_table(booking.payment)

    def movements(self, booking: Booking) -> SafeString:
        return movements_table(booking.payment.movements.order_by("id"))

    @admin.display(description="At Stripe")
    def at_stripe(self, booking: Booking) -> SafeString:
        return stripe_table(booking.payment)

    @admin.display(description="Reports and disputes")
    def reports(self, booking: Booking) -> SafeString:
        rows: list[tuple[Any, ...]] = [
            (r.reported_at, f"{r.type} did not come", r.reported_by_role, r.reason, r.dispute_reason, r.resolution)
            for r in NoShowReport.objects.filter(booking__payment=booking.payment_id).order_by("reported_at")
        ]
        rows += [
            (d.opened_at, "completion disputed", "instructor", d.reason, "", d.resolution)
            for d in CompletionDispute.objects.filter(booking__payment=booking.payment_id)
        ]
        return table(("When", "What", "By", "Reason", "Answer", "Resolution"), rows)

    def mails(self, booking: Booking) -> SafeString:
        mails = MailLog.objects.filter(event__booking__payment=booking.payment_id).order_by("created_at", "id")
        return table(
            ("Written", "To", "Kind", "Subject", "Sent"),
            ((mail.created_at, mail.to, mail.kind, mail.subject, mail.sent_at or mail.last_error) for mail in mails),
        )

    @admin.display(description="For support")
    def for_support(self, booking: Booking) -> SafeString:
        items = SupportItem.objects.filter(booking_id=booking.pk).order_by("opened_at")
        return table(
            ("Opened", "What", "At risk", "Detail", "Closed"),
            (
                (
                    item.opened_at,
                    page_of(item, item.kind),
                    dollars(item.money_at_risk_cents),
                    item.detail,
                    item.closed_at,
                )
                for item in items
            ),
        )


def _change(before: str, after: str) -> str:
    return after if before == after else f"{before or '–'} → {after}"


@admin.register(BookingEvent)
class BookingEventAdmin(MoneyPage):
    list_display = ("at", "kind", "booking_id", "actor_role", "door", "status_to", "payment_status_to")
    list_filter = ("kind", "actor_role", "door")
    search_fields = ("booking__id", "kind", "actor_id", "plan_id")
    date_hierarchy = "at"


@admin.register(MailLog)
class MailAdmin(MoneyPage):
    list_display = ("created_at", "to", "kind", "subject", "sent_at", "attempts", "last_error")
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("to", "kind", "event__booking__id")
    date_hierarchy = "created_at"


@admin.register(NoShowReport)
class NoShowReportAdmin(MoneyPage):
    list_display = ("booking_id", "type", "reported_at", "dispute_window_ends", "disputed_at", "resolution")
    list_filter = ("type", "resolution", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("booking__id",)
    date_hierarchy = "reported_at"


@admin.register(CompletionDispute)
class CompletionDisputeAdmin(MoneyPage):
    list_display = ("booking_id", "opened_at", "resolved_at", "resolution")
    list_filter = ("resolution", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("booking__id",)
    date_hierarchy = "opened_at"


@admin.register(SupportItem)
class SupportItemAdmin(MoneyPage):
    """The queue. Whoever may move money may say who looks after an item; the rest follows from what happens."""

    list_display = ("opened_at", "kind", "booking_id", cents("money_at_risk_cents"), "due_at", "owner", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "kind")
    search_fields = ("booking_id", "cause", "owner__email")
    list_select_related = ("owner",)
    date_hierarchy = "opened_at"
    fields: ClassVar[Any] = (
        "kind",
        "cause",
        "booking_id",
        "money_at_risk_cents",
        "opened_at",
        "due_at",
        "closed_at",
        "detail",
    )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("accounts.manage_financials")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return (*self.fields, "owner")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = User.objects.filter(role=Role.STAFF, is_active=True).order_by("email")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyPage):
    """Who has a private calendar address; the address itself is kept nowhere."""

    list_display = ("user", "created_at")
    fields = ("user", "created_at")
    search_fields = ("user__email",)
    list_select_related = ("user",)
    date_hierarchy = "created_at"


# --- Reconciliation --------------------------------------------------------------------------------------------------
class DifferenceRows(ReadOnlyRows):
    model = ReconciliationDifference
    fields = ("stripe_account", "stripe_source", "expected_cents", "found_cents", "probable_cause", "booking_id")


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(MoneyPage):
    list_display = ("started_at", "since", "finished_at", "read_count", "difference_count")
    list_filter = (("finished_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "started_at"
    inlines = (DifferenceRows,)


@admin.register(ReconciliationDifference)
class ReconciliationDifferenceAdmin(MoneyPage):
    list_display = (
        "stripe_source",
        "stripe_account",
        cents("expected_cents", "our ledger"),
        cents("found_cents", "Stripe"),
        "probable_cause",
        "booking_id",
    )
    list_filter = ("probable_cause",)
    search_fields = ("stripe_source", "stripe_account", "booking_id")


# --- Jobs: instainstru/schedules.py is where they are changed --------------------------------------------------------
class ReadOnlySchedules(ReadOnlyPage, ScheduleAdmin):
    """A schedule names a function to call: nobody types one in."""


class ReadOnlyTasks(ReadOnlyPage, TaskAdmin):
    readonly_fields = ()


class ReadOnlyFailures(ReadOnlyPage, FailAdmin):
    readonly_fields = ()


class ReadOnlyQueue(ReadOnlyPage, QueueAdmin):
    pass


for _model, _page in (
    (Schedule, ReadOnlySchedules),
    (Success, ReadOnlyTasks),
    (Failure, ReadOnlyFailures),
    (OrmQ, ReadOnlyQueue),
):
    admin.site.unregister(_model)
    admin.site.register(_model, _page)


@admin.register(RateChange)
class RateChangeAdmin(MoneyPage):
    """The history of the rates; finance changes them at the desk."""

    list_display = ("effective_from", "student_fee_bps", "base_bps", "middle_bps", "best_bps", "made_by", "reason")
    list_select_related = ("made_by",)
    ordering = ("-effective_from",)


@admin.register(Unsubscribed)
class UnsubscribedAdmin(MoneyPage):
    """Who wants which mails no more; they say so by the address in the mail."""

    list_display = ("at", "user", "topic")
    list_filter = ("topic",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
