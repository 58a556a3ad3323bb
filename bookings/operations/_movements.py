"""From the policy's steps to movements: "make it so", skipping what is already so."""

from bookings.policy.terms import Step, Terms
from bookings.queries import frozen_amounts
from payments.models import MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, transfers_of

from ._story import Moves

Kind = MoneyMovement.Kind


def has_hold(payment: Payment) -> bool:
    """A hold is on the card, as far as we know. When it ends is for Stripe to say: its date passing here proves nothing."""
    return payment.capture_before is not None and not payment.is_captured


def new_hold(payment: Payment, *, off_session: bool, payment_method: str = "") -> list[Movement]:
    """Place a hold: on the intent that waits for it, or on a new one when the old hold is gone."""
    params = {"off_session": off_session, "payment_method": payment_method or payment.payment_method_id}
    authorize = Movement(Kind.AUTHORIZE, payment.card_amount_cents, params=params)
    return [authorize] if _intent_usable(payment) else [Movement(Kind.CREATE_INTENT), authorize]


def _intent_usable(payment: Payment) -> bool:
    """An intent exists and can still be confirmed: we did not cancel it, and Stripe did not let its hold expire."""
    if not payment.payment_intent_id:
        return False
    gone = MoneyMovement.objects.filter(
        payment=payment, kind=Kind.CANCEL_INTENT, status="done", stripe_id=payment.payment_intent_id
    )
    return not gone.exists()


def movements_for(terms: Terms, payment: Payment) -> list[Movement]:
    """The movements that make a decision's steps so, for a payment as it stands."""
    amounts = frozen_amounts(payment)
    held = transfers_of(payment)
    captured = payment.is_captured
    net = sum(h.net_cents for h in held)
    movements: list[Movement] = []
    for step in terms.steps:
        match step:
            case Step.CANCEL_INTENT if not captured and payment.payment_intent_id:
                movements.append(Movement(Kind.CANCEL_INTENT))
            case Step.AUTHORIZE if not captured and not has_hold(payment):
                movements += new_hold(payment, off_session=True)
            case Step.CAPTURE if not captured:
                movements.append(Movement(Kind.CAPTURE, payment.card_amount_cents))
                net = amounts.automatic_transfer_cents
            case Step.REVERSE_ALL:
                if captured:
                    movements += take_back(payment)
                else:
                    movements.append(Movement(Kind.REVERSE, payment.card_amount_cents, params={"transfer": "auto"}))
                net = 0
            case Step.REFUND_ALL if captured:
                movements += _refund_all(payment)
                net = 0
            case Step.PAY:
                owed = terms.payout_cents(amounts) - net
                if owed > 0:
                    purpose = "top_up" if net else "payout"
                    movements.append(Movement(Kind.TRANSFER, owed, purpose))
            case _:
                pass
    return movements


def take_back(payment: Payment) -> list[Movement]:
    """Reverse whatever the instructor still holds of every transfer, with the fee; what is reversed already is skipped."""
    return [
        Movement(
            Kind.REVERSE,
            held.left_cents,
            held.purpose,
            {"transfer": held.transfer_id, "account": held.account_id, "fee": held.fee_id},
        )
        for held in transfers_of(payment)
        if held.left_cents > 0
    ]


def _refund_all(payment: Payment) -> list[Movement]:
    """Everything back to the card; the charge's own transfer with it in one call when it is untouched."""
    left = payment.card_charged_cents - payment.refunded_to_card_cents
    untouched = any(h.purpose == "automatic" and not h.reversed_cents for h in transfers_of(payment))
    takes_back = [m for m in take_back(payment) if not (untouched and m.purpose == "automatic")]
    if left <= 0:
        return takes_back
    return [*takes_back, Movement(Kind.REFUND, left, params={"reverse_transfer": untouched})]


def hold_again(plan: MoneyPlan, payment: Payment) -> list[Movement]:
    """A capture or a hold found its intent gone: place a new hold, once, then go on with what was skipped (policy 4.5)."""
    moves = Moves(plan)
    refusal = moves.refusal
    if refusal is None or refusal.kind not in (Kind.CAPTURE, Kind.AUTHORIZE):
        return []
    if refusal.result.get("intent_status") != "canceled" or any(m.kind == Kind.CREATE_INTENT for m in moves.all):
        return []
    params = {
        "off_session": refusal.params.get("off_session", True),
        "payment_method": refusal.params.get("payment_method") or payment.payment_method_id,
    }
    return [
        Movement(Kind.CREATE_INTENT),
        Movement(Kind.AUTHORIZE, payment.card_amount_cents, params=params),
        *([Movement(Kind.CAPTURE, refusal.amount_cents)] if refusal.kind == Kind.CAPTURE else []),
        *(Movement(Kind(m.kind), m.amount_cents, m.purpose, m.params) for m in moves.skipped),
    ]
