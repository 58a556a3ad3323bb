"""What is true of a case, in our rows and at Stripe, without ids and times: two runs that end alike compare equal."""

from collections import Counter
from typing import Any

from django.db.models import Sum

from accounts.models import AccountHold
from bookings.models import Booking, BookingEvent, MailLog, NoShowReport, SupportItem
from credits.models import CreditLot
from packages.models import Package
from payments import ledger
from payments.gateway import client, pages, transfers_of
from payments.models import Chargeback, MoneyMovement, MoneyPlan

from .world import Staged

Facts = dict[str, Any]
PAYMENT = (
    "status",
    "frozen_status",
    "settlement_outcome",
    "owed_outcome",
    "review_reason",
    "card_charged_cents",
    "refunded_to_card_cents",
    "student_credit_cents",
    "instructor_payout_cents",
    "credits_reserved_cents",
    "credits_released_cents",
    "credits_issued_cents",
    "credits_forfeited_cents",
    "credits_consumed_cents",
    "auth_failure_count",
    "capture_retry_count",
    "late_reschedule_used",
    "locked_amount_cents",
    "lock_resolution",
)


def facts(s: Staged, *, at_stripe: bool = True) -> Facts:
    """Statuses, amounts, credits, holds, history, mail; intents, transfers and refunds at Stripe."""
    payment, student = s.payment, s.cast.student.user.pk
    bookings = list(Booking.objects.filter(payment_id=s.payment_id).order_by("created_at", "id"))
    bookings.sort(key=lambda booking: booking.rescheduled_from_id is not None)  # a slow clock makes the new one older
    ids = [booking.pk for booking in bookings]
    found: Facts = {
        "bookings": [(b.status, b.holds_slot) for b in bookings],
        **{name: getattr(payment, name) for name in PAYMENT},
        "lots": _totals(CreditLot.objects.filter(owner_id=student)),
        "holds": sorted(AccountHold.objects.filter(user_id=student, lifted_at=None).values_list("kind", flat=True)),
        "reports": sorted(NoShowReport.objects.filter(booking__in=ids).values_list("type", "resolution")),
        "chargebacks": sorted(Chargeback.objects.filter(payment=payment).values_list("result", flat=True)),
        "support": sorted(
            SupportItem.objects.filter(booking_id__in=ids, closed_at=None).values_list("kind", flat=True)
        ),
        "events": Counter(BookingEvent.objects.filter(booking__in=ids).values_list("kind", flat=True)),
        "mails": Counter(MailLog.objects.filter(event__booking__in=ids).values_list("kind", flat=True)),
        "movements": _movements(s),
        "unfinished": MoneyPlan.objects.filter(payment__in=s.payment_ids, finished_at=None).count(),
        **(_package(s) if s.package_id else {}),
    }
    return {**found, **(stripe_facts(s) if at_stripe else {})}


def _package(s: Staged) -> Facts:
    """The purchase, where its lessons are, and all the bookings they were."""
    package = Package.objects.select_related("payment").get(pk=s.package_id)
    bookings = Booking.objects.filter(payment__entitlement__package=package)
    stood = bookings.values_list("status", "holds_slot", "payment__status", "payment__settlement_outcome")
    return {
        "package": package.status,
        "purchase": {name: getattr(package.payment, name) for name in PAYMENT},
        "entitlements": Counter(package.entitlements.values_list("status", "late_used")),
        "package_bookings": Counter(stood),
        "owed": -ledger.balance_of(ledger.PACKAGES_OWED, payment_id=package.payment_id),
        "package_chargebacks": sorted(package.payment.chargebacks.values_list("result", flat=True)),
    }


def _totals(lots: Any) -> dict[str, int]:
    return {row["status"]: row["cents"] for row in lots.values("status").annotate(cents=Sum("amount_cents"))}


def _movements(s: Staged) -> Counter[tuple[str, str, int]]:
    done = MoneyMovement.objects.filter(payment_id__in=s.payment_ids, status__in=("done", "refused"))
    return Counter(done.values_list("kind", "status", "amount_cents"))


def stripe_facts(s: Staged) -> Facts:
    """What exists at Stripe for this payment."""
    customer = s.cast.student.user.stripe_customer_id
    listed = pages(client().v1.payment_intents.list, {"customer": customer, "expand": ["data.latest_charge"]})
    purchase = s.purchase_id
    found = list(listed)
    intents = [intent for intent in found if intent["metadata"].get("payment") == s.payment_id]
    bought = [intent for intent in found if purchase and intent["metadata"].get("payment") == purchase]
    charges = [intent["latest_charge"] or {} for intent in intents]
    transfers = [one for group in s.payment_ids if group != purchase for one in transfers_of(transfer_group=group)]
    return {
        "stripe_purchase": sorted(
            (i["status"], i["amount_received"], (i["latest_charge"] or {}).get("amount_refunded", 0)) for i in bought
        ),
        "stripe_intents": sorted((i["status"], i["amount"], i["amount_received"]) for i in intents),
        "stripe_refunded_of_captured": sorted(c["amount_refunded"] for c in charges if c.get("captured")),
        "stripe_transfers": sorted((t["amount"], t["amount_reversed"]) for t in transfers),
    }


def differences(expected: Facts, found: Facts) -> list[str]:
    """One line for each fact that is not as expected."""
    names = [*expected, *(name for name in found if name not in expected)]
    return [
        f"{name}: expected {_short(expected.get(name))}, found {_short(found.get(name))}"
        for name in names
        if expected.get(name) != found.get(name)
    ]


def _short(value: Any) -> str:
    return str(dict(sorted(value.items(), key=str)) if isinstance(value, Counter) else value)
