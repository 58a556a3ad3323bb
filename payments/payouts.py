"""Payouts to instructors' banks, as Stripe has them: remembered whenever we hear of one, and what is still on the balance."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from common.problems import StripeFailed, StripeUnavailable

from . import gateway, ledger
from .connect import NotOnboarded
from .gateway import Fields
from .models import ConnectAccount, Payout

ORDER = ("pending", "in_transit", "paid", "failed", "canceled")  # a payout never goes back
FAILURES = {
    "account_closed": "The bank account has been closed. Add another one at Stripe.",
    "account_frozen": "The bank has frozen the account. Talk to the bank, or add another account at Stripe.",
    "bank_account_restricted": "The bank account takes no payouts of this kind. Add another one at Stripe.",
    "bank_ownership_changed": "The bank account belongs to a new bank. Add it again at Stripe.",
    "could_not_process": "The bank could not process the payout. It is tried again after you have checked the account at Stripe.",
    "debit_not_authorized": "The bank does not let Stripe use this account. Talk to the bank.",
    "declined": "The bank declined the payout. Talk to the bank.",
    "incorrect_account_holder_name": "The name on the bank account is not yours as Stripe knows it. Mend it at Stripe.",
    "insufficient_funds": "The balance was too low.",
    "invalid_account_number": "There is something wrong with the account number. Mend it at Stripe.",
    "invalid_currency": "The bank account does not take this currency. Add another one at Stripe.",
    "no_account": "There is no such bank account. Check its numbers at Stripe.",
    "unsupported_card": "The debit card takes no payouts. Add another one at Stripe.",
}


@dataclass(frozen=True, slots=True)
class Balance:
    """What an instructor has at Stripe, in cents. `pending` becomes `available`; `instant_available` can be had at once."""

    pending_cents: int = 0
    available_cents: int = 0
    instant_available_cents: int = 0


def balance_of(account: ConnectAccount | None) -> Balance:
    """Read an instructor's balance from Stripe. Raises NotOnboarded, StripeUnavailable or StripeFailed."""
    if account is None or not account.stripe_account_id:
        raise NotOnboarded()
    try:
        held = gateway.balance(account=account.stripe_account_id)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    sides = (
        sum(part["amount"] for part in held.get(side) or []) for side in ("pending", "available", "instant_available")
    )
    return Balance(*sides)


def remember(fields: Fields, *, account: str, now: datetime) -> Payout | None:
    """Book a payout and keep what Stripe says of it; None for one that is no instructor's. Must run inside a transaction."""
    balance = ledger.connected(account) if account else ledger.PLATFORM
    payout_id, amount = fields["id"], fields["amount"]
    lines = [ledger.Line(balance, -amount, payout_id), ledger.Line(ledger.BANK, amount)]
    ledger.post(key=f"payout:{payout_id}", kind="payout", at=now, lines=lines)
    if fields["status"] in ("failed", "canceled"):
        back = [ledger.Line(balance, amount, payout_id), ledger.Line(ledger.BANK, -amount)]
        ledger.post(key=f"payout_returned:{payout_id}", kind="payout_returned", at=now, lines=back)
    owner = ConnectAccount.objects.filter(stripe_account_id=account).first() if account else None
    if owner is None:
        return None
    payout = Payout.objects.select_for_update().filter(pk=payout_id).first() or Payout(
        pk=payout_id, instructor_id=owner.pk, stripe_account_id=account
    )
    payout.amount_cents, payout.method, payout.is_automatic = amount, fields["method"], fields["automatic"]
    payout.created_at, payout.arrival_at = _instant(fields["created"]), _instant(fields["arrival_date"])
    if ORDER.index(fields["status"]) >= ORDER.index(payout.status or ORDER[0]):  # else read before what we know
        payout.status = fields["status"]
    payout.failure_code = (fields.get("failure_code") or "")[:64]
    payout.failure_message = (fields.get("failure_message") or "")[:300]
    payout.read_at = now
    payout.save()
    return payout


def failure_in_words(payout: Payout) -> str:
    """Why a payout came back, and what to do; "" when it did not."""
    if payout.status == "canceled":
        return "The payout was cancelled; the money is on your balance again."
    if payout.status != "failed":
        return ""
    return FAILURES.get(payout.failure_code) or payout.failure_message or "The bank sent it back without a reason."


def read_back(payout_id: str, *, account: str, now: datetime) -> tuple[Fields, Payout | None]:
    """Read a payout from Stripe and remember it: harmless twice, whatever the order of its events.

    Raises StripeUnavailable or StripeFailed.
    """
    try:
        fields = gateway.payout(payout_id, account=account)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    with transaction.atomic():
        return fields, remember(fields, account=account, now=now)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
