"""Invariants 3 and 5: settled payments are their rows of the policy, and nothing leaves its bounds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from django.db.models import F, OuterRef, Q, Subquery

from bookings.policy.recorded import recorded
from bookings.queries import frozen_amounts
from common.money import half
from payments.models import MoneyMovement, Payment
from payments.vocabulary import Outcome, PaymentStatus

from .scope import Scope, Violation

Kind = MoneyMovement.Kind
UNCHARGED = (Outcome.CANCEL_NO_CHARGE, Outcome.ENTITLEMENT_RETURNED, Outcome.PACKAGE_NOT_PAID)
REFUNDED = (
    Outcome.INSTRUCTOR_CANCEL,
    Outcome.INSTRUCTOR_NO_SHOW,
    Outcome.MUTUAL_NO_SHOW,
    Outcome.STUDENT_WINS_DISPUTE,
    Outcome.PACKAGE_REFUSED,
)
CHARGED = (
    Outcome.LESSON_COMPLETED,
    Outcome.CANCEL_LATE,
    Outcome.CANCEL_LAST_MINUTE,
    Outcome.LOCKED_CANCEL_LATE,
    Outcome.LOCKED_CANCEL_LAST_MINUTE,
    Outcome.STUDENT_NO_SHOW,
    Outcome.DISPUTE_WON,
    Outcome.PACKAGE_PAID,
)
MONEY = (Kind.COLLECT, Kind.CAPTURE, Kind.TRANSFER, Kind.REVERSE, Kind.REFUND)


def i03_settled_is_its_row(scope: Scope) -> Iterator[Violation]:
    """A settled payment's card, credit, payout, refund and fee are exactly its row of the policy for its frozen amounts."""
    capture = MoneyMovement.objects.filter(payment=OuterRef("pk"), kind=Kind.CAPTURE, status="done")
    fee = Subquery(capture.values("result__application_fee_amount")[:1])
    settled = scope.payments_with_held().filter(status=PaymentStatus.SETTLED).annotate(fee=fee)
    for payment in scope.each(settled):
        for wrong in _wrong_in(payment):
            yield Violation(3, f"payment {payment.pk} ({payment.settlement_outcome})", wrong)


def _wrong_in(payment: Payment) -> Iterator[str]:
    outcome, amounts = Outcome(payment.settlement_outcome), frozen_amounts(payment)
    row, held = recorded(outcome, amounts), payment.held  # type: ignore[attr-defined]
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
    yield from _wrong_with_the_card(payment, outcome)
    used = payment.credits_released_cents + payment.credits_forfeited_cents + payment.credits_consumed_cents
    if used != payment.credits_reserved_cents:
        yield f"{payment.credits_reserved_cents} of credit reserved, {used} released, forfeited or consumed"


def _wrong_with_the_card(payment: Payment, outcome: Outcome) -> Iterator[str]:
    fee = payment.fee  # type: ignore[attr-defined]
    if outcome in UNCHARGED and payment.card_charged_cents:
        yield f"charged {payment.card_charged_cents}, not 0"
    if outcome in CHARGED and payment.card_charged_cents != payment.card_amount_cents:
        yield f"charged {payment.card_charged_cents}, not {payment.card_amount_cents}"
    if outcome in REFUNDED and payment.refunded_to_card_cents != payment.card_charged_cents:
        yield f"refunded {payment.refunded_to_card_cents} of {payment.card_charged_cents}"
    if payment.card_charged_cents and (fee or 0) != payment.application_fee_cents:
        yield f"application fee {fee}, not {payment.application_fee_cents}"


def i05_bounds(scope: Scope) -> Iterator[Violation]:
    """Captured ≤ authorized; refunded ≤ captured; reversed ≤ transferred; paid to the instructor ≤ P, tips apart."""
    more = Q(card_charged_cents__gt=F("card_amount_cents"))  # refused for this very reason, and refunded: not beyond
    beyond = more & ~Q(settlement_outcome=Outcome.PACKAGE_REFUSED) | Q(
        refunded_to_card_cents__gt=F("card_charged_cents")
    )
    outside = Q(held__lt=0) | Q(held__gt=F("instructor_payout_full_cents"))
    for payment in scope.each(scope.payments_with_held().filter(beyond | outside)):
        yield from _beyond(payment)
    done = scope.movements_done().filter(kind__in=MONEY).order_by("payment_id")
    rows = iter(scope.each(done.values_list("payment_id", "kind", "amount_cents", "result")))
    for payment_id, moves in groupby(rows, key=lambda row: row[0]):
        yield from _too_much_back(payment_id, moves)


def _beyond(payment: Payment) -> Iterator[Violation]:
    subject, held = f"payment {payment.pk}", payment.held  # type: ignore[attr-defined]
    refused = payment.settlement_outcome == Outcome.PACKAGE_REFUSED
    if payment.card_charged_cents > payment.card_amount_cents and not refused:
        yield Violation(5, subject, f"captured {payment.card_charged_cents} of {payment.card_amount_cents}")
    if payment.refunded_to_card_cents > payment.card_charged_cents:
        yield Violation(5, subject, f"refunded {payment.refunded_to_card_cents} of {payment.card_charged_cents}")
    if not 0 <= held <= payment.instructor_payout_full_cents:
        yield Violation(5, subject, f"the instructor holds {held} of at most {payment.instructor_payout_full_cents}")


def _too_much_back(payment_id: str, moves: Iterable[tuple[str, str, int, dict[str, int]]]) -> Iterator[Violation]:
    """What Stripe confirmed of one payment: no more refunded than captured, no more reversed than transferred."""
    captured = refunded = 0
    left: dict[object, int] = defaultdict(int)
    for _, kind, cents, result in moves:
        match kind:
            case Kind.CAPTURE:
                captured += cents
                left[result["transfer"]] += result["transfer_amount"]
            case Kind.COLLECT:
                captured += cents
            case Kind.TRANSFER:
                left[result["transfer"]] += result["amount"]
            case Kind.REVERSE:
                left[result["transfer"]] -= result["amount"]
            case Kind.REFUND:
                refunded += 0 if result.get("failed") else cents
                if result.get("transfer"):
                    left[result["transfer"]] -= result["reversed"]
    if refunded > captured:
        yield Violation(5, f"payment {payment_id}", f"refunds of {refunded} were made of {captured} captured")
    for transfer, cents in left.items():
        if cents < 0:
            yield Violation(5, str(transfer), f"{-cents} more reversed than transferred")
