"""Invariants 3, 5 and 6: settled payments, bounds, credits."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Sum

from accounts.models import User
from bookings.policy.recorded import recorded
from bookings.queries import frozen_amounts
from common.money import half
from credits.queries import check_everybody
from payments.ledger import connected
from payments.models import LedgerLine, MoneyMovement, Payment
from payments.vocabulary import Outcome, PaymentStatus

from .scope import Scope, Violation

UNCHARGED = (Outcome.CANCEL_NO_CHARGE,)
REFUNDED = (
    Outcome.INSTRUCTOR_CANCEL,
    Outcome.INSTRUCTOR_NO_SHOW,
    Outcome.MUTUAL_NO_SHOW,
    Outcome.STUDENT_WINS_DISPUTE,
)
CHARGED = (
    Outcome.LESSON_COMPLETED,
    Outcome.CANCEL_LATE,
    Outcome.CANCEL_LAST_MINUTE,
    Outcome.LOCKED_CANCEL_LATE,
    Outcome.LOCKED_CANCEL_LAST_MINUTE,
    Outcome.STUDENT_NO_SHOW,
    Outcome.DISPUTE_WON,
)


def i03_settled_is_its_row(scope: Scope) -> Iterator[Violation]:
    """A settled payment's card, credit, payout and refund are exactly its row of the policy for its frozen amounts."""
    held = _held_by_instructors(scope)
    for payment in scope.payments().filter(status=PaymentStatus.SETTLED).iterator():
        for wrong in _wrong_in(payment, held.get(payment.pk, 0)):
            yield Violation(3, f"payment {payment.pk} ({payment.settlement_outcome})", wrong)


def _held_by_instructors(scope: Scope) -> dict[str, int]:
    """What connected accounts hold from each payment, by the ledger."""
    lines = LedgerLine.objects.filter(account__startswith=connected("acct_")).exclude(entry__payment_id="")
    if scope.payment_id:
        lines = lines.filter(entry__payment_id=scope.payment_id)
    rows = lines.values("entry__payment_id").annotate(total=Sum("amount_cents"))
    return {row["entry__payment_id"]: row["total"] for row in rows.iterator()}


def _wrong_in(payment: Payment, held: int) -> Iterator[str]:
    outcome, amounts = Outcome(payment.settlement_outcome), frozen_amounts(payment)
    row = recorded(outcome, amounts)
    if row.credit_cents is not None and payment.student_credit_cents != row.credit_cents:
        yield f"credit {payment.student_credit_cents}, not {row.credit_cents}"
    if outcome is Outcome.CAPTURE_FAILURE_PAID:
        if payment.instructor_payout_cents not in (0, half(amounts.payout_full_cents), amounts.payout_full_cents):
            yield f"payout {payment.instructor_payout_cents} is none that was owed"
    elif row.payout_cents is not None and payment.instructor_payout_cents != row.payout_cents:
        yield f"payout {payment.instructor_payout_cents}, not {row.payout_cents}"
    if payment.instructor_payout_cents != held:
        yield f"payout {payment.instructor_payout_cents} recorded, the account holds {held}"
    if row.refund_cents is not None and payment.refunded_to_card_cents != row.refund_cents:
        yield f"refund {payment.refunded_to_card_cents}, not {row.refund_cents}"
    if outcome in UNCHARGED and payment.card_charged_cents:
        yield f"charged {payment.card_charged_cents}, not 0"
    if outcome in CHARGED and payment.card_charged_cents != payment.card_amount_cents:
        yield f"charged {payment.card_charged_cents}, not {payment.card_amount_cents}"
    if outcome in REFUNDED and payment.refunded_to_card_cents != payment.card_charged_cents:
        yield f"refunded {payment.refunded_to_card_cents} of {payment.card_charged_cents}"
    used = payment.credits_released_cents + payment.credits_forfeited_cents + payment.credits_consumed_cents
    if used != payment.credits_reserved_cents:
        yield f"{payment.credits_reserved_cents} of credit reserved, {used} released, forfeited or consumed"


def i05_bounds(scope: Scope) -> Iterator[Violation]:
    """Captured ≤ authorized; refunded ≤ captured; reversed ≤ transferred; paid to the instructor ≤ P."""
    for payment in scope.payments().iterator():
        if payment.card_charged_cents > payment.card_amount_cents:
            message = f"captured {payment.card_charged_cents} of {payment.card_amount_cents}"
            yield Violation(5, f"payment {payment.pk}", message)
        if payment.refunded_to_card_cents > payment.card_charged_cents:
            message = f"refunded {payment.refunded_to_card_cents} of {payment.card_charged_cents}"
            yield Violation(5, f"payment {payment.pk}", message)
    for payment_id, held in _held_by_instructors(scope).items():
        full = Payment.objects.filter(pk=payment_id).values_list("instructor_payout_full_cents", flat=True).first() or 0
        if not 0 <= held <= full:
            yield Violation(5, f"payment {payment_id}", f"the instructor holds {held} of at most {full}")
    made: dict[str, int] = defaultdict(int)
    for movement in scope.movements().filter(status=MoneyMovement.Status.DONE).iterator():
        result = movement.result
        match movement.kind:
            case MoneyMovement.Kind.CAPTURE:
                made[result["transfer"]] += result["transfer_amount"]
            case MoneyMovement.Kind.TRANSFER:
                made[result["transfer"]] += result["amount"]
            case MoneyMovement.Kind.REVERSE:
                made[result["transfer"]] -= result["amount"]
            case MoneyMovement.Kind.REFUND if result.get("transfer"):
                made[result["transfer"]] -= result["reversed"]
    for transfer, left in made.items():
        if left < 0:
            yield Violation(5, transfer, f"{-left} more reversed than transferred")


def i06_credits_add_up(scope: Scope) -> Iterator[Violation]:
    """Issued = available + reserved + consumed + forfeited + expired + frozen + revoked, for everybody."""
    owner = User.objects.filter(payments=scope.payment_id).first() if scope.payment_id else None
    for wrong in check_everybody(user_id=owner.pk if owner else None):
        yield Violation(6, "credits", wrong)
