"""What our own books say: by object, by payment, by account. One query per page of objects."""

from collections.abc import Iterable

from django.db.models import Q, Sum

from bookings.due import booking_of
from bookings.models import Booking
from payments import ledger
from payments.gateway import Fields
from payments.models import Chargeback, LedgerEntry, LedgerLine, MoneyMovement, Payment, StripeEventInbox


def books_of(account: str) -> str:
    """The ledger account of a Stripe account; the platform's own is ""."""
    return ledger.connected(account) if account else ledger.PLATFORM


def net_by_object(account: str, sources: Iterable[str]) -> dict[str, int]:
    """Net cents that our ledger has on an account for each of these objects that it knows."""
    lines = LedgerLine.objects.filter(account=books_of(account), stripe_source__in=list(sources))
    rows = lines.values_list("stripe_source").annotate(total=Sum("amount_cents"))
    return dict(rows.order_by())


def charged_by_object(account: str, charges: Iterable[str]) -> dict[str, int]:
    """What cards paid, by charge: the other side of the entry that knows it (its own line is less by Stripe's fee)."""
    sources = list(charges)
    known = LedgerLine.objects.filter(account=books_of(account), stripe_source__in=sources, amount_cents__gt=0)
    entry_of = dict(known.values_list("entry_id", "stripe_source"))
    cards = LedgerLine.objects.filter(entry__in=list(entry_of), account__in=[ledger.CARD, ledger.BANK])
    paid: dict[str, int] = dict.fromkeys(entry_of.values(), 0)
    for entry_id, cents in cards.values_list("entry_id", "amount_cents"):
        paid[entry_of[entry_id]] -= cents
    fees = known.filter(entry__kind=ledger.PAYOUT_FEE)  # paid by a connected account, by no card
    return paid | dict(fees.values_list("stripe_source", "amount_cents"))


def sent_by_object(account: str, sources: Iterable[str]) -> dict[str, int]:
    """What left an account, by transfer, refund or payout; one that came back has left nothing."""
    return {source: -cents for source, cents in net_by_object(account, sources).items()}


def disputed_by_object(account: str, disputes: Iterable[str]) -> dict[str, int]:
    """What is disputed, by dispute that we have noted."""
    return dict(Chargeback.objects.filter(pk__in=list(disputes)).values_list("pk", "amount_cents"))


def total_of(account: str) -> int:
    """The balance of an account by our ledger."""
    return ledger.balance_of(books_of(account))


def payment_of(account: str, source: str, stripes: Fields) -> Payment | None:
    """The payment that an object belongs to: by our ledger, by what we wrote on it, by its charge or its transfer."""
    entries = LedgerEntry.objects.filter(lines__account=books_of(account), lines__stripe_source=source)
    named = (stripes.get("metadata") or {}).get("payment") or stripes.get("transfer_group") or ""
    ids = [*entries.exclude(payment_id="").values_list("payment_id", flat=True)[:1], named]
    charge = _id(stripes.get("charge")) or _id(stripes.get("source_transaction")) or stripes.get("id") or "-"
    transfer = _id(stripes.get("transfer")) or _id(stripes.get("source_transfer")) or "-"
    booked = LedgerEntry.objects.filter(lines__account=ledger.PLATFORM, lines__stripe_source=transfer)
    by_transfer = booked.exclude(payment_id="").values("payment_id")[:1]
    by_intent = {"payment_intent_id": _id(stripes.get("payment_intent"))} if stripes.get("payment_intent") else {}
    found = Q(pk__in=[pk for pk in ids if pk]) | Q(charge_id=charge) | Q(pk__in=by_transfer)
    payment: Payment | None = Payment.objects.filter(found | Q(**by_intent) if by_intent else found).first()
    return payment


def booking_about(payment: Payment | None) -> str:
    """The booking that a payment belongs to now; "" when there is none."""
    if payment is None:
        return ""
    fallback = Booking.objects.filter(payment=payment).order_by("-created_at").values_list("pk", flat=True).first()
    return booking_of(payment.pk) or fallback or ""


def is_under_way(payment: Payment | None, account: str) -> bool:
    """A movement about this payment (an account's, when no payment is known) was sent and not concluded."""
    sent = MoneyMovement.objects.filter(status=MoneyMovement.Status.SENT)
    if payment is not None:
        return sent.filter(payment=payment).exists()
    return bool(account) and sent.filter(payment__destination_account_id=account).exists()


def is_untold(source: str) -> bool:
    """Stripe has told us something about this object that no job has worked through yet."""
    return StripeEventInbox.objects.filter(object_id=source, processed_at=None).exists()


def _id(value: object) -> str:
    """The id of an expandable field, expanded or not."""
    return str((value.get("id") if isinstance(value, dict) else value) or "")
