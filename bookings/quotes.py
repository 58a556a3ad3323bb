"""What cancelling or moving a lesson comes to, to the cent, signed: we are held to it, or the caller is asked again.

A quote is computed by what decides: the policy's rows, the frozen amounts, the credits reserved. It holds until one of
its terms changes, which `terms_change_at` says as far as the clock can know it.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from django.utils.crypto import salted_hmac

from bookings.models import Booking
from bookings.operations.cancel import refuse_cancellation, terms_of_cancelling
from bookings.operations.reschedule import holds_at_once, how_to_move, refuse_move
from bookings.policy.holds import hold_due_at
from bookings.policy.packages import entitlement_quoted
from bookings.policy.rescheduling import Move
from bookings.policy.terms import Credits, Step, Terms
from bookings.policy.windows import window_changes_at, window_of
from bookings.queries import frozen_amounts, reserved_lots
from common.actors import Actor, Role
from common.problems import Conflict, Invalid
from credits.models import CreditLot
from credits.operations import a_year_after

MOMENT = timedelta(microseconds=1)


class QuoteExpired(Conflict):
    """The terms have changed since; `quote` has the new ones."""

    code, title = "quote_expired", "The terms have changed. Look at the new ones and decide again."
    remedy = "Show the new terms in `quote`, and send its `quote_id` when they are wanted."


@dataclass(frozen=True, slots=True)
class LotBack:
    """Credit that comes back: a reserved lot with its old date, or a new one. Past its date it is lost at once (policy 8)."""

    amount_cents: int
    expires_at: datetime
    is_new: bool
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class CancellationQuote:
    """What a cancellation comes to now, in cents."""

    booking_id: str
    cancelled_by: str
    window: str
    outcome: str
    card_charged_cents: int
    card_refund_cents: int
    credit_back_cents: int
    credit_forfeited_cents: int
    instructor_payout_cents: int
    credit_lots: list[LotBack]
    terms_change_at: datetime | None
    entitlement: str = ""

    @property
    def credit_expired_cents(self) -> int:
        """What of the credit that comes back is past its date."""
        return sum(lot.amount_cents for lot in self.credit_lots if lot.is_expired)

    @property
    def quote_id(self) -> str:
        """Signed, so that only terms we have offered can be held against us."""
        money = [self.card_charged_cents, self.card_refund_cents, self.credit_back_cents, self.credit_expired_cents]
        terms = [self.booking_id, self.cancelled_by, self.outcome, *money, self.instructor_payout_cents]
        return _signed("cancellation-quote", [*terms, self.entitlement] if self.entitlement else terms)


@dataclass(frozen=True, slots=True)
class RescheduleQuote:
    """What moving a lesson comes to now, in cents; with `starts_at`, also what becomes of the hold."""

    booking_id: str
    kind: str
    card_charged_cents: int
    credits_kept_cents: int
    terms_change_at: datetime | None
    starts_at: datetime | None = None
    card_held_now_cents: int | None = None
    hold_at: datetime | None = None

    @property
    def quote_id(self) -> str:
        start = self.starts_at.isoformat() if self.starts_at else None
        money = [self.card_charged_cents, self.credits_kept_cents, self.card_held_now_cents]
        return _signed("reschedule-quote", [self.booking_id, self.kind, *money, start])


# --- Quoting ---------------------------------------------------------------------------------------------------------


def cancellation_quote(booking: Booking, actor: Actor, now: datetime) -> CancellationQuote:
    """The terms on which this person can cancel now. Raises what cancelling itself would refuse (policy 5)."""
    refuse_cancellation(booking, actor)
    who = Role.INSTRUCTOR if actor.role is Role.INSTRUCTOR else Role.STUDENT
    payment, amounts = booking.payment, frozen_amounts(booking.payment)
    terms = _terms(booking, who, now)
    charged = Step.CAPTURE in terms.steps or payment.is_captured
    reserved = amounts.credits_cents
    back = reserved if terms.credits is Credits.RELEASE else terms.credit_cents(amounts)
    lots = _lots_back(booking, back, reserved, now)
    return CancellationQuote(
        booking_id=booking.pk,
        cancelled_by=who,
        window=window_of(starts_at=booking.starts_at, now=now),
        outcome=terms.outcome,
        card_charged_cents=amounts.card_amount_cents if charged else 0,
        card_refund_cents=payment.card_charged_cents - payment.refunded_to_card_cents if terms.refunds else 0,
        credit_back_cents=back,
        credit_forfeited_cents=max(0, reserved - back),
        instructor_payout_cents=terms.payout_cents(amounts),
        credit_lots=lots,
        terms_change_at=_earliest(_terms_end(booking, who, terms, now), _next_expiry(lots)),
        entitlement=_entitlement(booking, terms, now),
    )


def reschedule_quote(booking: Booking, now: datetime, *, starts_at: datetime | None = None) -> RescheduleQuote:
    """The terms on which the student can move this lesson now. Raises what moving itself would refuse (policy 6).

    `starts_at` says where to; whether that time can be had is for moving itself to find out.
    """
    refuse_move(booking)
    payment = booking.payment
    move = how_to_move(booking, now)
    held, hold_at = None, None
    if starts_at is not None:
        free = move is Move.FREE and not payment.is_captured
        at_once = free and holds_at_once(starts_at=starts_at, now=now)
        held = payment.card_amount_cents if at_once else 0
        hold_at = hold_due_at(starts_at) if free and not at_once else None
    return RescheduleQuote(
        booking_id=booking.pk,
        kind=move,
        card_charged_cents=payment.card_amount_cents if move is Move.LOCK or payment.is_captured else 0,
        credits_kept_cents=payment.credits_reserved_cents,
        terms_change_at=window_changes_at(starts_at=booking.starts_at, now=now),
        starts_at=starts_at,
        card_held_now_cents=held,
        hold_at=hold_at,
    )


# --- Holding us to a quote -------------------------------------------------------------------------------------------


def agreed_cancellation(
    quote_id: str, actor: Actor, now: datetime, shown: Callable[[CancellationQuote], Any]
) -> Callable[[Booking], None]:
    """What cancelling asks under its lock before it decides: raises QuoteExpired unless it comes to what was quoted.

    `shown` renders the new quote for the problem's `quote`. Raises Invalid for an id that is not one of ours.
    """
    _refuse_forged("cancellation-quote", quote_id)

    def agreed(booking: Booking) -> None:
        quote = cancellation_quote(booking, actor, now)
        if quote.quote_id != quote_id:
            raise QuoteExpired(quote=shown(quote))

    return agreed


def agreed_reschedule(
    quote_id: str, starts_at: datetime, now: datetime, shown: Callable[[RescheduleQuote], Any]
) -> Callable[[Booking], None]:
    """The same for moving to `starts_at`. A quote that named no time is for any time."""
    _refuse_forged("reschedule-quote", quote_id)

    def agreed(booking: Booking) -> None:
        quote = reschedule_quote(booking, now, starts_at=starts_at)
        if quote_id not in (quote.quote_id, reschedule_quote(booking, now).quote_id):
            raise QuoteExpired(quote=shown(quote))

    return agreed


def _signed(salt: str, terms: list[Any]) -> str:
    """A signed digest: it proves the terms without telling them to those who may not read all of them."""
    return Signer(salt=salt).sign(salted_hmac(salt, json.dumps(terms), algorithm="sha256").hexdigest())


def _refuse_forged(salt: str, quote_id: str) -> None:
    try:
        Signer(salt=salt).unsign(quote_id)
    except (BadSignature, ValueError):
        raise Invalid("Wrong or missing: quote_id.", errors={"quote_id": ["Not a quote of ours."]}) from None


# --- Parts -----------------------------------------------------------------------------------------------------------


def _terms(booking: Booking, who: Role, now: datetime) -> Terms:
    return terms_of_cancelling(booking, who=who, now=now)


def _entitlement(booking: Booking, terms: Terms, now: datetime) -> str:
    """What becomes of the entitlement of a package's lesson; empty for any other."""
    if not booking.payment.is_prepaid:
        return ""
    return entitlement_quoted(terms.outcome, starts_at=booking.starts_at, now=now)


def _terms_end(booking: Booking, who: Role, terms: Terms, now: datetime) -> datetime | None:
    """The last instant at which the policy's row is the same."""
    instant = window_changes_at(starts_at=booking.starts_at, now=now)
    entitlement = _entitlement(booking, terms, now)
    while instant and _terms(booking, who, after := instant + MOMENT) == terms:
        if _entitlement(booking, terms, after) != entitlement:
            break
        instant = window_changes_at(starts_at=booking.starts_at, now=instant + MOMENT)
    return instant


def _next_expiry(lots: Iterable[LotBack]) -> datetime | None:
    """The last instant at which all the reserved credit that comes back can still be used."""
    dates = [lot.expires_at - MOMENT for lot in lots if not lot.is_new and not lot.is_expired]
    return min(dates, default=None)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant), default=None)


def _lots_back(booking: Booking, back: int, reserved: int, now: datetime) -> list[LotBack]:
    """Reserved credit comes back with its old date, latest-expiring first; what is missing is new (policy 5)."""
    lots = list(_released(reserved_lots(booking.payment_id), min(back, reserved), now))
    if back > reserved:
        lots.append(LotBack(back - reserved, a_year_after(now), is_new=True))
    return lots


def _released(lots: Iterable[CreditLot], amount_cents: int, now: datetime) -> Iterable[LotBack]:
    for lot in lots:
        if part := min(lot.amount_cents, amount_cents):
            yield LotBack(part, lot.expires_at, is_new=False, is_expired=lot.expires_at <= now)
        amount_cents -= part
