"""What keeps an account from making new bookings (policy 7)."""

from datetime import datetime

from common.problems import Refused

from .models import AccountHold, User


class AccountLocked(Refused):
    code, title = "account_locked", "Your account is locked: a lesson is unpaid. Pay it to book again."
    remedy = "Let the student pay the lesson that is unpaid (`bookings/{id}/retry-payment`), then book."


class AccountRestricted(Refused):
    code, title = "account_restricted", "Your account is restricted. Write to support."
    remedy = "Write to support."


class NegativeBalance(Refused):
    code, title = "negative_balance", "Your credit balance is negative after a chargeback. It must be settled first."
    remedy = "Write to support: what is missing must be settled before anything is booked."


_REFUSALS = {
    AccountHold.Kind.LOCKED: AccountLocked,
    AccountHold.Kind.RESTRICTED: AccountRestricted,
    AccountHold.Kind.NEGATIVE: NegativeBalance,
}


def refuse_if_held(user: User) -> None:
    """Raises AccountLocked, AccountRestricted or NegativeBalance when the account may not book."""
    kinds = set(AccountHold.objects.filter(user=user, lifted_at=None).values_list("kind", flat=True))
    for kind, refusal in _REFUSALS.items():
        if kind in kinds:
            raise refusal()


def open_hold(
    *, user_id: str, kind: AccountHold.Kind, payment_id: str, amount_cents: int, now: datetime, reason: str
) -> AccountHold:
    """Hold an account for one cause; the same cause twice is one hold, with the latest amount."""
    hold, created = AccountHold.objects.get_or_create(
        user_id=user_id,
        kind=kind,
        payment_id=payment_id,
        lifted_at=None,
        defaults={"amount_cents": amount_cents, "opened_at": now, "reason": reason[:500]},
    )
    if not created and hold.amount_cents != amount_cents:
        hold.amount_cents = amount_cents
        hold.save(update_fields=["amount_cents"])
    return hold


def lift_hold(*, kind: AccountHold.Kind, payment_id: str, now: datetime, by: str) -> int:
    """Lift the open hold of one cause; returns how many were open (0 or 1)."""
    return AccountHold.objects.filter(kind=kind, payment_id=payment_id, lifted_at=None).update(
        lifted_at=now, lifted_by=by
    )
