"""The money side, to be read: payments, decisions and their movements, the ledger, what Stripe told us.

Nothing here is added, changed or deleted by hand. A payment's status and amounts change by operations alone.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from djstripe.models import WebhookEndpoint, WebhookEventTrigger

from accounts.admin import MoneyPage, ReadOnlyPage, ReadOnlyRows, at_stripe, cents, page_of, table
from common.money import dollars

from .models import (
    Chargeback,
    ConnectAccount,
    InstantPayout,
    LedgerEntry,
    LedgerLine,
    MoneyMovement,
    MoneyPlan,
    Payment,
    PaymentMethod,
    Payout,
    StripeEventInbox,
)


# --- What a payment's page and a booking's page show -----------------------------------------------------------------
def money_table(payment: Payment) -> SafeString:
    """Per party: what was quoted, what has happened, what remains."""
    left = payment.card_charged_cents - payment.refunded_to_card_cents
    owed = payment.instructor_payout_full_cents - payment.instructor_payout_cents
    rows: list[tuple[str, str, int]] = [
        ("Student", "Lesson", payment.lesson_price_cents),
        ("Student", "Booking Protection", payment.student_fee_cents),
        ("Student", "Credits reserved", payment.credits_reserved_cents),
        ("Student", "To the card", payment.card_amount_cents),
        ("Student", "Charged", payment.card_charged_cents),
        ("Student", "Refunded", payment.refunded_to_card_cents),
        ("Student", "Remaining charge", left),
        ("Student", "Credit given", payment.student_credit_cents),
        ("Student", "Credits released", payment.credits_released_cents),
        ("Student", "Credits issued", payment.credits_issued_cents),
        ("Student", "Credits forfeited", payment.credits_forfeited_cents),
        ("Student", "Credits consumed", payment.credits_consumed_cents),
        ("Instructor", f"Commission ({payment.commission_bps} bps)", payment.instructor_commission_cents),
        ("Instructor", "Full payout", payment.instructor_payout_full_cents),
        ("Instructor", "With the instructor", payment.instructor_payout_cents),
        ("Instructor", "Short of the full payout", owed),
        ("Platform", "Application fee", payment.application_fee_cents),
        ("Platform", "Top-up", payment.top_up_cents),
        ("Platform", "Locked", payment.locked_amount_cents if payment.has_locked_funds else 0),
    ]
    return table(("Party", "What", "Amount"), ((party, what, dollars(amount)) for party, what, amount in rows))


def plans_table(payment: Payment) -> SafeString:
    """Every decision about a payment, oldest first."""
    plans = payment.plans.order_by("decided_at", "id")
    return table(
        ("Decided", "Purpose", "By", "Result", "Finished", "Attempts", "Last error", "Decision"),
        (
            (
                plan.decided_at,
                plan.get_purpose_display(),
                f"{plan.actor_role} {plan.actor_id} ({plan.door})",
                plan.result,
                plan.finished_at or "unfinished",
                plan.attempts,
                plan.last_error,
                page_of(plan),
            )
            for plan in plans
        ),
    )


def movements_table(movements: Iterable[MoneyMovement]) -> SafeString:
    """What was said to Stripe, with keys and ids."""
    return table(
        ("What", "For", "Amount", "Status", "Done", "Stripe", "Idempotency key", "Error"),
        (
            (
                movement.get_kind_display(),
                movement.purpose,
                dollars(movement.amount_cents),
                movement.status,
                movement.done_at,
                at_stripe(movement.stripe_id),
                movement.idempotency_key,
                " ".join(filter(None, (movement.error_code, movement.decline_code, movement.error_message))),
            )
            for movement in movements
        ),
    )


def stripe_table(payment: Payment) -> SafeString:
    """What Stripe knows the payment by."""
    names = ("payment_intent_id", "charge_id", "setup_intent_id", "payment_method_id", "destination_account_id")
    known = [(name.removesuffix("_id").replace("_", " "), at_stripe(getattr(payment, name))) for name in names]
    known += [("chargeback", at_stripe(chargeback.pk)) for chargeback in payment.chargebacks.all()]
    return table(("Object", "Id"), ((name, stripe_id) for name, stripe_id in known if stripe_id))


# --- Payments and decisions ------------------------------------------------------------------------------------------
@admin.register(Payment)
class PaymentAdmin(MoneyPage):
    list_display = (
        "id",
        "student",
        "instructor",
        "status",
        "settlement_outcome",
        cents("card_amount_cents", "card"),
        cents("card_charged_cents", "charged"),
        cents("refunded_to_card_cents", "refunded"),
        cents("instructor_payout_cents", "payout"),
        "created_at",
    )
    list_filter = ("status", "settlement_outcome", "review_reason")
    search_fields = ("id", "student__email", "instructor__email", "payment_intent_id", "charge_id")
    list_select_related = ("student", "instructor")
    date_hierarchy = "created_at"
    readonly_fields = ("money", "decisions", "movements", "at_stripe")
    fieldsets = (
        (None, {"fields": ("id", "student", "instructor", "status", "frozen_status", "settlement_outcome", "money")}),
        ("Decisions and movements", {"fields": ("decisions", "movements", "at_stripe")}),
        (
            "The hold",
            {
                "fields": (
                    "auth_scheduled_for",
                    "auth_attempted_at",
                    "auth_first_attempted_at",
                    "auth_next_attempt_at",
                    "auth_warned_at",
                    "auth_cancel_at",
                    "auth_failure_count",
                    "auth_last_error",
                    "capture_before",
                )
            },
        ),
        (
            "The capture",
            {
                "fields": (
                    "capture_due_at",
                    "captured_at",
                    "capture_failed_at",
                    "capture_last_attempt_at",
                    "capture_retry_count",
                    "capture_escalated_at",
                    "owed_outcome",
                )
            },
        ),
        (
            "LOCK and review",
            {
                "fields": (
                    "locked_at",
                    "locked_amount_cents",
                    "lock_resolution",
                    "lock_resolved_at",
                    "late_reschedule_used",
                    "original_starts_at",
                    "review_reason",
                    "reviewed_since",
                    "settled_at",
                )
            },
        ),
    )

    def money(self, payment: Payment) -> SafeString:
        return money_table(payment)

    def decisions(self, payment: Payment) -> SafeString:
        return plans_table(payment)

    def movements(self, payment: Payment) -> SafeString:
        return movements_table(payment.movements.order_by("id"))

    @admin.display(description="At Stripe")
    def at_stripe(self, payment: Payment) -> SafeString:
        return stripe_table(payment)


class MovementRows(ReadOnlyRows):
    model = MoneyMovement
    fields = ("position", "kind", "purpose", "amount_cents", "status", "stripe_id", "idempotency_key", "error_code")
    ordering = ("position",)


@admin.register(MoneyPlan)
class MoneyPlanAdmin(MoneyPage):
    list_display = ("id", "purpose", "booking_id", "actor_role", "door", "decided_at", "finished_at", "result")
    list_filter = ("purpose", ("finished_at", admin.EmptyFieldListFilter), "actor_role", "door")
    search_fields = ("id", "booking_id", "payment__id", "movements__idempotency_key", "movements__stripe_id")
    date_hierarchy = "decided_at"
    inlines = (MovementRows,)


@admin.register(MoneyMovement)
class MoneyMovementAdmin(MoneyPage):
    list_display = ("kind", "purpose", cents("amount_cents"), "status", "stripe_id", "idempotency_key", "done_at")
    list_filter = ("kind", "status", "purpose")
    search_fields = ("id", "payment__id", "plan__booking_id", "stripe_id", "idempotency_key")
    date_hierarchy = "done_at"


@admin.register(Chargeback)
class ChargebackAdmin(MoneyPage):
    list_display = ("id", "payment_id", cents("amount_cents"), "reason", "status", "evidence_due_by", "result")
    list_filter = ("status", "result")
    search_fields = ("id", "payment__id", "charge_id")
    date_hierarchy = "opened_at"


# --- The ledger ------------------------------------------------------------------------------------------------------
class LineRows(ReadOnlyRows):
    model = LedgerLine
    fields = ("account", "amount_cents", "stripe_source")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(MoneyPage):
    list_display = ("at", "kind", "key", "payment_id", "memo")
    list_filter = ("kind",)
    search_fields = ("key", "payment_id", "movement_id", "lines__stripe_source", "lines__account")
    date_hierarchy = "at"
    inlines = (LineRows,)


@admin.register(LedgerLine)
class LedgerLineAdmin(MoneyPage):
    list_display = ("entry", "account", cents("amount_cents"), "stripe_source")
    search_fields = ("account", "stripe_source", "entry__key")
    list_select_related = ("entry",)
    ordering = ("-id",)


# --- Stripe ----------------------------------------------------------------------------------------------------------
@admin.register(ConnectAccount)
class ConnectAccountAdmin(MoneyPage):
    list_display = ("instructor", "stripe_account_id", "charges_enabled", "payouts_enabled", "details_submitted")
    list_filter = ("charges_enabled", "payouts_enabled", "details_submitted")
    search_fields = ("instructor__email", "stripe_account_id")
    list_select_related = ("instructor",)
    date_hierarchy = "read_at"


@admin.register(Payout)
class PayoutAdmin(MoneyPage):
    list_display = ("id", "instructor", cents("amount_cents"), "method", "status", "arrival_at", "failure_code")
    list_filter = ("status", "method", "is_automatic")
    search_fields = ("id", "instructor__email", "stripe_account_id")
    list_select_related = ("instructor",)
    date_hierarchy = "created_at"


@admin.register(InstantPayout)
class InstantPayoutAdmin(MoneyPage):
    list_display = ("id", "instructor", cents("amount_cents"), cents("fee_cents", "fee"), "payout", "refusal_code",
                    "fee_transfer_id", "fee_refusal", "fee_returned_at", "concluded_at")  # fmt: skip
    list_filter = (("concluded_at", admin.EmptyFieldListFilter), "refusal_code")
    search_fields = ("id", "instructor__email", "payout__id", "fee_transfer_id")
    list_select_related = ("instructor", "payout")
    date_hierarchy = "decided_at"


@admin.register(PaymentMethod)
class PaymentMethodAdmin(MoneyPage):
    list_display = ("user", "brand", "last4", "exp_month", "exp_year", "is_default", "detached_at")
    list_filter = ("brand", "is_default")
    search_fields = ("user__email", "last4", "stripe_id")
    list_select_related = ("user",)
    date_hierarchy = "created_at"


@admin.register(StripeEventInbox)
class StripeEventAdmin(MoneyPage):
    list_display = ("event_id", "type", "object_id", "received_at", "processed_at", "result", "attempts")
    list_filter = (("processed_at", admin.EmptyFieldListFilter), "result", "type")
    search_fields = ("event_id", "object_id", "stripe_account", "type")
    date_hierarchy = "received_at"


# dj-stripe's mirror of Stripe stays empty here (docs/decisions/0005) and its API keys are secrets: of its pages two are
# shown, to be read, without the signing secrets.
def _keep_two_of_djstripe() -> None:
    for model in [model for model in admin.site._registry if model._meta.app_label == "djstripe"]:
        admin.site.unregister(model)


_keep_two_of_djstripe()


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyPage):
    list_display = ("id", "url", "status", "api_version", "livemode")
    fields = ("id", "url", "status", "api_version", "livemode", "enabled_events", "djstripe_uuid")


@admin.register(WebhookEventTrigger)
class WebhookEventTriggerAdmin(ReadOnlyPage):
    list_display = ("id", "valid", "processed", "remote_ip", "created", "exception")
    list_filter = ("valid", "processed")
    fields: ClassVar[Any] = ("remote_ip", "valid", "processed", "exception", "traceback", "created")
    date_hierarchy = "created"
