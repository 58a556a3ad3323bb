"""Paid at once, for a fee: decide and commit, make the payout, collect the fee, conclude (policy 14).

The fee is a transfer of its own, from the instructor's balance to the platform's, made after the payout: who is refused
pays nothing. One instructor has one at a time. An unknown outcome is resolved by asking Stripe what exists.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from common import clock
from common.actors import Actor, Role
from common.money import dollars, share
from common.mutex import mutex
from common.problems import OperationInProgress, PermissionDenied, Problem, Refused, StripeFailed, StripeUnavailable

from . import gateway, ledger, payouts
from .connect import NotOnboarded
from .gateway import Declined, Fields, OutcomeUnknown
from .models import ConnectAccount, InstantPayout

FEE_BPS = 200
MINIMUM_CENTS = 100
MARK = "instant_payout"  # in the metadata of everything made at Stripe
OWED_FEE_RETRY = timedelta(hours=1)
CAME_BACK = ("failed", "canceled")


class InstantPayoutNotEligible(Refused):
    """`reason` is Stripe's code, or `fee_owed`."""

    code, title = "instant_payout_not_eligible", "You cannot be paid at once"
    remedy = "Show `detail`; the regular payout arrives in any case."


class InsufficientBalance(Refused):
    """`available_cents` is what can be paid out at once."""

    code, title = "insufficient_balance", "That much is not available yet"
    remedy = "Ask for at most `available_cents`."


class PayoutTooSmall(Refused):
    """`minimum_cents` is the least there is."""

    code, title = "payout_too_small", "That is too little for an instant payout"
    remedy = "Ask for at least `minimum_cents`."


class PayoutRefused(Refused):
    """`reason` is Stripe's code."""

    code, title = "payout_refused", "Stripe refused the payout"
    remedy = "Show `detail`; nothing was paid out and no fee was taken."


@dataclass(frozen=True, slots=True)
class PayoutQuote:
    """What an instant payout comes to, in cents."""

    amount_cents: int
    fee_cents: int
    available_cents: int
    fee_bps: int = FEE_BPS
    minimum_cents: int = MINIMUM_CENTS

    @property
    def payout_cents(self) -> int:
        """What arrives at the bank."""
        return self.amount_cents - self.fee_cents


def fee_of(amount_cents: int) -> int:
    """2 % of what leaves the balance, half-up (policy 14)."""
    return share(amount_cents, FEE_BPS)


def quote_instant_payout(*, instructor: User, amount_cents: int | None) -> PayoutQuote:
    """What paying out that much (everything, when None) comes to now; nothing is kept.

    Raises NotOnboarded, InstantPayoutNotEligible, PayoutTooSmall, InsufficientBalance, StripeUnavailable.
    """
    return _quote(_account_of(instructor), amount_cents)


def request_instant_payout(
    *, actor: Actor, amount_cents: int | None, now: datetime, request_key: str | None = None
) -> InstantPayout:
    """Pay out that much (everything, when None) at once, less the fee. The same `request_key` pays once.

    Raises what `quote_instant_payout` does, PayoutRefused, OperationInProgress; and StripeUnavailable when nobody knows yet:
    the decision stands then and is carried on.
    """
    if actor.role is not Role.INSTRUCTOR:
        raise PermissionDenied("Only instructors are paid out.")
    instructor = User.objects.get(pk=actor.id)
    with mutex(f"instructor:{instructor.pk}:payout"):
        decided = _earlier(instructor, request_key, now) or _decide(instructor, amount_cents, request_key, now)
        carry_on(decided, now)
    _refuse_if_refused(decided)
    return decided


def finish(instant_payout_id: str, now: datetime) -> str:
    """Carry on one that stopped half-way, or give back the fee of one that came back. Raises OperationInProgress, StripeUnavailable."""
    found = InstantPayout.objects.get(pk=instant_payout_id)
    with mutex(f"instructor:{found.instructor_id}:payout"):
        found.refresh_from_db()
        carry_on(found, now)
    return found.state


def to_finish() -> list[str]:
    """Those that are not at their end: to be carried on, or whose fee is to be given back."""
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=clock.system_now())
    unfinished = InstantPayout.objects.filter(UNFINISHED).filter(due)
    return list(unfinished.order_by("decided_at").values_list("pk", flat=True))


UNFINISHED = Q(concluded_at=None) | Q(payout__status__in=CAME_BACK, fee_transfer_id__gt="", fee_returned_at=None)


def carry_on(one: InstantPayout, now: datetime) -> None:
    """Every step that is still to be done, each committed before and after Stripe is asked. Safe to call again anywhere."""
    try:
        if one.payout is None and not one.refusal_code:
            _make_payout(one, now)
        if one.payout is not None and not one.fee_transfer_id and one.concluded_at is None:
            _collect_fee(one, now)
        if one.payout is not None and one.payout.status in CAME_BACK and one.fee_transfer_id:
            _give_fee_back(one, now)
    except OutcomeUnknown as unknown:
        raise StripeUnavailable("Stripe does not say whether it has paid out. It will be found out.") from unknown


# --- Deciding --------------------------------------------------------------------------------------------------------
def _earlier(instructor: User, request_key: str | None, now: datetime) -> InstantPayout | None:
    """The answer of this very request, once more; and whatever is unfinished is finished first."""
    mine = InstantPayout.objects.select_related("payout").filter(instructor=instructor)
    if request_key and (same := mine.filter(request_key=request_key).first()):
        return same
    for unfinished in mine.filter(concluded_at=None):
        carry_on(unfinished, now)
        if unfinished.concluded_at is None:
            raise InstantPayoutNotEligible(
                f"The fee of an earlier instant payout, {dollars(unfinished.fee_cents)}, is still to be collected.",
                reason="fee_owed",
            )
    return None


def _decide(instructor: User, amount_cents: int | None, request_key: str | None, now: datetime) -> InstantPayout:
    account = _account_of(instructor)
    quote = _quote(account, amount_cents)
    try:
        with transaction.atomic():
            return InstantPayout.objects.create(
                instructor=instructor,
                stripe_account_id=str(account.stripe_account_id),
                request_key=request_key,
                amount_cents=quote.amount_cents,
                fee_cents=quote.fee_cents,
                decided_at=now,
            )
    except IntegrityError as error:  # somebody decided meanwhile, with the mutex lost
        raise OperationInProgress() from error


def _account_of(instructor: User) -> ConnectAccount:
    account = ConnectAccount.objects.filter(instructor=instructor).first()
    if account is None or not account.stripe_account_id or not account.details_submitted:
        raise NotOnboarded()
    if not account.payouts_enabled:
        raise InstantPayoutNotEligible(
            "Stripe does not pay out to you now: see payments/connect/status.", reason="payouts_off"
        )
    return account


def _quote(account: ConnectAccount, amount_cents: int | None) -> PayoutQuote:
    available = payouts.balance_of(account).instant_available_cents
    amount = available if amount_cents is None else amount_cents
    if amount > available:
        raise InsufficientBalance(f"{dollars(available)} can be paid out at once.", available_cents=available)
    if amount < MINIMUM_CENTS:
        raise PayoutTooSmall(
            f"An instant payout is {dollars(MINIMUM_CENTS)} at least.",
            minimum_cents=MINIMUM_CENTS,
            available_cents=available,
        )
    return PayoutQuote(amount, fee_of(amount), available)


def _refuse_if_refused(one: InstantPayout) -> None:
    """Stripe's refusal in words. Raises InsufficientBalance, InstantPayoutNotEligible or PayoutRefused."""
    if not one.refusal_code:
        return
    problem: Problem
    if one.refusal_code == "balance_insufficient":
        problem = InsufficientBalance("The balance has changed meanwhile. Nothing was paid out.")
    elif one.refusal_code in NOT_ELIGIBLE:
        problem = InstantPayoutNotEligible(NOT_ELIGIBLE[one.refusal_code], reason=one.refusal_code)
    else:
        problem = PayoutRefused(f"Stripe says: {one.refusal_message}", reason=one.refusal_code)
    raise problem


NOT_ELIGIBLE = {
    "instant_payouts_unsupported": "Your bank does not take instant payouts. Add a debit card or another bank at Stripe.",
    "instant_payouts_config_disabled": "Instant payouts are switched off for your account.",
    "instant_payouts_currency_disabled": "Instant payouts are not there for your currency.",
    "instant_payouts_limit_exceeded": "You have had all the instant payouts of today. Try again tomorrow.",
    "payouts_not_allowed": "Stripe does not pay out to you now: see payments/connect/status.",
    "payouts_limit_exceeded": "You have been paid out as much as Stripe allows today. Try again tomorrow.",
}


# --- Carrying out ----------------------------------------------------------------------------------------------------
def _make_payout(one: InstantPayout, now: datetime) -> None:
    params = {"amount": one.payout_cents, "currency": "usd", "method": "instant", "metadata": {MARK: one.pk}}
    try:
        made = _once(
            one,
            "sent_at",
            now,
            find=lambda: _marked(gateway.payouts_of(one.stripe_account_id), one),
            create=lambda key: gateway.create_payout(params=params, account=one.stripe_account_id, key=key),
        )
    except Declined as refusal:
        _remember(one, refusal_code=refusal.code[:64], refusal_message=refusal.message[:300], concluded_at=now)
        return
    with transaction.atomic():
        one.payout = payouts.remember(made, account=one.stripe_account_id, now=now)
        one.save(update_fields=["payout"])


def _collect_fee(one: InstantPayout, now: datetime) -> None:
    """What the instructor agreed to pay, from their balance to ours. When it is short, it is tried again later."""
    came_back = one.payout is not None and one.payout.status in CAME_BACK
    if came_back and one.fee_sent_at is None:
        _remember(one, concluded_at=now)  # there is nothing to pay for
        return
    params = {
        "amount": one.fee_cents,
        "currency": "usd",
        "destination": gateway.platform_account()["id"],
        "description": "Instant payout fee",
        "metadata": {MARK: one.pk},
    }
    try:
        made = _once(
            one,
            "fee_sent_at",
            now,
            find=lambda: _marked(gateway.transfers_from(one.stripe_account_id), one),
            create=lambda key: gateway.create_transfer(params=params, account=one.stripe_account_id, key=key),
        )
    except Declined as refusal:
        later = clock.system_now() + OWED_FEE_RETRY
        again = {"generation": one.generation + 1, "next_attempt_at": later, "fee_sent_at": None}
        _remember(one, fee_refusal=f"{refusal.code}: {refusal.message}"[:300], **again)
        return
    with transaction.atomic():
        ledger.post(
            key=f"instant_payout_fee:{one.pk}",
            kind=ledger.PAYOUT_FEE,
            at=now,
            lines=ledger.payout_fee_lines(
                account_id=one.stripe_account_id,
                amount=one.fee_cents,
                transfer=made["id"],
                payment=str(made["destination_payment"]),
            ),
        )
        _remember(one, fee_transfer_id=made["id"], fee_refusal="", next_attempt_at=None, concluded_at=now)


def _give_fee_back(one: InstantPayout, now: datetime) -> None:
    """The bank sent the payout back: a transfer from the platform's balance makes the instructor whole."""
    if one.fee_returned_at is not None:
        return
    params = {
        "amount": one.fee_cents,
        "currency": "usd",
        "destination": one.stripe_account_id,
        "description": "Instant payout fee given back",
        "transfer_group": one.pk,
        "metadata": {MARK: one.pk},
    }
    try:
        made = _once(
            one,
            "fee_return_sent_at",
            now,
            find=lambda: _marked(gateway.transfers_of(transfer_group=one.pk), one),
            create=lambda key: gateway.create_transfer(params=params, key=key),
        )
    except Declined as refusal:  # our own float is short
        later = {"generation": one.generation + 1, "next_attempt_at": clock.system_now() + OWED_FEE_RETRY}
        _remember(one, fee_return_sent_at=None, **later)
        raise StripeFailed(f"The fee could not be given back yet: {refusal.message}") from refusal
    with transaction.atomic():
        ledger.post(
            key=f"instant_payout_fee_returned:{one.pk}",
            kind="instant_payout_fee_returned",
            at=now,
            lines=ledger.transfer_lines(
                account_id=one.stripe_account_id,
                amount=one.fee_cents,
                transfer=made["id"],
                payment=str(made["destination_payment"]),
            ),
        )
        _remember(one, fee_return_id=made["id"], fee_returned_at=now, next_attempt_at=None)


def _once(
    one: InstantPayout,
    sent_field: str,
    now: datetime,
    *,
    find: Callable[[], Fields | None],
    create: Callable[[str], Fields],
) -> Fields:
    """Make something at Stripe exactly once. That it is asked for is committed first; who comes back later looks first.

    Raises Declined, or OutcomeUnknown when it is not there and may still come.
    """
    key = f"{MARK}:{one.pk}:{sent_field.removesuffix('_at')}:{one.generation}"
    if getattr(one, sent_field) is not None and (found := find()):
        return found
    _remember(one, **{sent_field: getattr(one, sent_field) or now})
    try:
        return create(key)
    except OutcomeUnknown:
        pass
    try:
        return create(key)  # the same key: never a second time
    except OutcomeUnknown as unknown:
        if found := find():
            return found
        if unknown.answered:  # Stripe keeps a 5xx under its key; nothing came of it, so a new key asks again
            _remember(one, generation=one.generation + 1)
        raise


def _marked(made: Iterable[Fields], one: InstantPayout) -> Fields | None:
    """The one that says it is ours."""
    return next((each for each in made if (each.get("metadata") or {}).get(MARK) == one.pk), None)


def _remember(one: InstantPayout, **facts: object) -> None:
    for name, value in facts.items():
        setattr(one, name, value)
    one.save(update_fields=list(facts))
