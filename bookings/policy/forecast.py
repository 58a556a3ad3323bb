"""What a decision will have done once Stripe has agreed to it: where everybody's money stands afterwards. Plain values in and out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from common.money import half_up

from .pricing import Amounts
from .terms import Credits, Terms


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the money of one lesson stands, in cents, with the statuses."""

    booking: str
    payment: str
    outcome: str
    charged_cents: int
    refunded_cents: int
    payout_cents: int
    credit_cents: int
    released_cents: int
    issued_cents: int
    forfeited_cents: int
    consumed_cents: int

    @property
    def kept_cents(self) -> int:
        """What is left of the card's money with the platform, before Stripe's own fees."""
        return self.charged_cents - self.refunded_cents - self.payout_cents


@dataclass(frozen=True, slots=True)
class Planned:
    """A movement as it is planned. `transfer` is the one it reverses (`auto`: that of the capture before it)."""

    kind: str
    amount_cents: int
    purpose: str = ""
    transfer: str = ""
    reverses: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer to the instructor with what was taken back of it, and of the fee that came with it."""

    transfer_id: str
    purpose: str
    amount_cents: int
    reversed_cents: int
    fee_cents: int = 0
    fee_refunded_cents: int = 0

    @property
    def left_cents(self) -> int:
        return self.amount_cents - self.reversed_cents

    def net_of(self, reversed_cents: int) -> int:
        """What reversing so much takes from the instructor: the fee comes back to them in proportion."""
        left = self.fee_cents - self.fee_refunded_cents
        if reversed_cents >= self.left_cents:
            return self.left_cents - left
        return reversed_cents - min(left, half_up(self.fee_cents * reversed_cents, self.amount_cents))


def after_terms(
    now: Standing,
    terms: Terms,
    amounts: Amounts,
    steps: Sequence[Planned],
    transfers: Sequence[Transfer],
    *,
    reserved_cents: int,
) -> Standing:
    """After a decision with terms: cancelled, resolved, captured. `reserved_cents` is the credit still reserved for it."""
    back = terms.credit_cents(amounts)
    released = issued = forfeited = consumed = 0
    match terms.credits:
        case _ if back and now.credit_cents == back:
            pass  # given already: what follows was interrupted after it
        case Credits.RELEASE:
            released = reserved_cents
        case Credits.CONSUME:
            consumed = reserved_cents
        case Credits.FORFEIT:
            forfeited = reserved_cents
        case Credits.BACK_TO_PRICE | Credits.BACK_TO_HALF:
            released = min(reserved_cents, back)
            issued, forfeited = back - released, reserved_cents - released
    return replace(
        _moved(now, steps, transfers, automatic_cents=amounts.automatic_transfer_cents),
        payment="settled",
        outcome=str(terms.outcome),
        credit_cents=back,
        released_cents=now.released_cents + released,
        issued_cents=now.issued_cents + issued,
        forfeited_cents=now.forfeited_cents + forfeited,
        consumed_cents=now.consumed_cents + consumed,
    )


def after_staff_refund(
    now: Standing, steps: Sequence[Planned], transfers: Sequence[Transfer], *, revoked_cents: int
) -> Standing:
    """After a refund by staff: credit that was given for the lesson and is unspent is taken back, at most as much."""
    return replace(
        _moved(now, steps, transfers, automatic_cents=0),
        payment="settled",
        outcome="admin_refund",
        credit_cents=max(0, now.credit_cents - revoked_cents),
    )


def _moved(now: Standing, steps: Sequence[Planned], transfers: Sequence[Transfer], *, automatic_cents: int) -> Standing:
    """The cash of every movement, one after the other."""
    charged, refunded, payout = now.charged_cents, now.refunded_cents, now.payout_cents
    by_id = {transfer.transfer_id: transfer for transfer in transfers}
    automatic = next((transfer for transfer in transfers if transfer.purpose == "automatic"), None)
    for step in steps:
        match step.kind:
            case "capture":
                charged, payout = charged + step.amount_cents, payout + automatic_cents
            case "transfer":
                payout += step.amount_cents
            case "reverse":
                held = by_id.get(step.transfer)
                payout -= held.net_of(step.amount_cents) if held else automatic_cents
            case "refund":
                if step.reverses and automatic is not None:
                    payout -= _share_of_refund(automatic, step.amount_cents, charged)
                refunded += step.amount_cents
    return replace(now, charged_cents=charged, refunded_cents=refunded, payout_cents=payout)


def _share_of_refund(automatic: Transfer, amount_cents: int, charged_cents: int) -> int:
    """What a refund with its transfer takes from the instructor: transfer and fee in proportion to the charge."""
    back = min(half_up(automatic.amount_cents * amount_cents, charged_cents), automatic.left_cents)
    left = automatic.fee_cents - automatic.fee_refunded_cents
    return back - min(half_up(automatic.fee_cents * amount_cents, charged_cents), left)
