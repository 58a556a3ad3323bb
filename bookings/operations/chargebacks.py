"""Chargebacks: the student's bank takes the money back; claw back, freeze, and end it as the bank decides (policy 7)."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.models import AccountHold
from bookings.models import Booking, SupportItem
from bookings.state_machine import BookingStatus
from common.actors import Actor, Role
from common.mutex import Lease
from common.problems import StripeUnavailable
from credits.freezing import freeze_issued_from, revoke_frozen_from, unfreeze_issued_from
from credits.operations import release
from payments import gateway, ledger
from payments.models import Chargeback, MoneyMovement, MoneyPlan, Payment
from payments.settlement import Movement, open_plan, paid_to_instructor
from payments.vocabulary import Outcome, PaymentStatus

from ._conclusions import book_credits, freeze, hold_account, recorded_amounts, release_account, review
from ._history import actor_of, ask_support, close_support, note
from ._milestones import take_milestone_back
from ._movements import take_back
from ._story import Moves, lock_at_rest, one_at_a_time, see_through, tells

Kind, Purpose = MoneyMovement.Kind, MoneyPlan.Purpose
S = PaymentStatus
CHARGEBACK = "chargeback"
WON, LOST = ("won", "warning_closed", "prevented"), ("lost",)


def note_chargeback(*, dispute_id: str, booking_id: str, actor: Actor, now: datetime) -> str:
    """Read a dispute back from Stripe and act on what it says; harmless when it says nothing new.

    Opened: freeze and claw back. Won or withdrawn: pay again. Lost: revoke and restrict. An inquiry (`warning_…`) takes no
    money and only asks support. Raises OperationInProgress or StripeUnavailable.
    """
    with one_at_a_time(booking_id, now) as lease:
        try:
            dispute = gateway.dispute(dispute_id)
        except gateway.OutcomeUnknown as unknown:
            raise StripeUnavailable() from unknown
        results = []
        for decide in (_opened, _closed):
            plan = decide(booking_id, dispute, actor, lease, now)
            if plan is not None:
                results.append(see_through(plan, lease, now))
        return ", ".join(results) or "nothing"


def note_dispute(payment: Payment, dispute: gateway.Fields, now: datetime) -> Chargeback:
    """What we know of the dispute, and its money in the ledger as Stripe booked it."""
    due = (dispute.get("evidence_details") or {}).get("due_by")
    chargeback, _ = Chargeback.objects.update_or_create(
        id=dispute["id"],
        defaults={
            "payment": payment,
            "charge_id": dispute["charge"],
            "amount_cents": dispute["amount"],
            "reason": dispute.get("reason") or "",
            "status": dispute["status"],
            "evidence_due_by": datetime.fromtimestamp(due, UTC) if due else None,
        },
    )
    for booked in dispute.get("balance_transactions") or []:
        ledger.post(
            key=f"dispute:{booked['id']}",
            kind="chargeback",
            payment_id=payment.pk,
            at=now,
            lines=[
                ledger.Line(ledger.PLATFORM, booked["net"], dispute["id"]),
                ledger.Line(ledger.CARD, -booked["amount"]),
                ledger.Line(ledger.STRIPE_FEES, booked["fee"]),
            ],
        )
    return chargeback


def _opened(booking_id: str, dispute: gateway.Fields, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        chargeback = note_dispute(payment, dispute, now)
        _ask_for_evidence(booking, chargeback, now)
        inquiry = dispute["status"].startswith("warning") and not dispute.get("balance_transactions")
        if chargeback.opened_at or inquiry:
            return None
        chargeback.opened_at = now
        chargeback.save(update_fields=["opened_at"])
        waiting = payment.review_reason if payment.status == S.MANUAL_REVIEW else ""
        freeze(booking, reason=CHARGEBACK, actor=actor, now=now)
        _freeze_credits(booking, now)
        note(booking, "chargeback_opened", actor=actor, now=now, amounts={"amount_cents": chargeback.amount_cents},
             details={"dispute": chargeback.pk, "reason": chargeback.reason})  # fmt: skip
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.OPEN_CHARGEBACK,
            actor=actor,
            now=now,
            lease=lease,
            terms={
                "dispute": chargeback.pk,
                "clawed_cents": paid_to_instructor(payment),
                "waiting": waiting,  # what support was deciding, to go on with when the chargeback is won
            },
            movements=take_back(payment),
        )


def _ask_for_evidence(booking: Booking, chargeback: Chargeback, now: datetime) -> None:
    if chargeback.closed_at is None:
        ask_support(
            kind=SupportItem.Kind.CHARGEBACK,
            cause=chargeback.pk,
            booking_id=booking.pk,
            money_at_risk_cents=chargeback.amount_cents,
            now=now,
            due_at=chargeback.evidence_due_by,
            detail=f"{chargeback.reason}: {chargeback.status}",
        )


def _freeze_credits(booking: Booking, now: datetime) -> None:
    """Credits issued from this lesson freeze; what is already spent of them is owed and blocks new bookings."""
    frozen = freeze_issued_from(payment_id=booking.payment_id, now=now)
    book_credits(frozen.entries)
    if frozen.spent_cents:
        hold_account(
            booking,
            AccountHold.Kind.NEGATIVE,
            amount_cents=frozen.spent_cents,
            now=now,
            reason="Credit from a charged-back lesson was already spent.",
        )


def _conclude_opening(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal, payment = Moves(plan).refusal, booking.payment
    payment.instructor_payout_cents = paid_to_instructor(payment)
    payment.save()
    if refusal is not None:
        ask_support(
            kind=SupportItem.Kind.REVERSAL_FAILED,
            cause=plan.pk,
            booking_id=booking.pk,
            money_at_risk_cents=refusal.amount_cents,
            now=now,
            detail=f"Clawing back after a chargeback: {refusal.error_message}",
        )
    note(booking, "chargeback_clawed_back", actor=actor_of(plan), now=now, plan=plan, amounts=recorded_amounts(payment))
    return "opened"


def _closed(booking_id: str, dispute: gateway.Fields, actor: Actor, lease: Lease, now: datetime) -> MoneyPlan | None:
    with transaction.atomic():
        booking = lock_at_rest(booking_id)
        payment = booking.payment
        chargeback = Chargeback.objects.select_for_update().get(pk=dispute["id"])
        if dispute["status"] not in (*WON, *LOST) or chargeback.closed_at:
            return None
        chargeback.closed_at = now
        chargeback.result = "lost" if dispute["status"] in LOST else "won"
        chargeback.save(update_fields=["closed_at", "result"])
        SupportItem.objects.filter(cause=chargeback.pk, closed_at=None).update(closed_at=now)
        if chargeback.opened_at is None or payment.review_reason != CHARGEBACK:
            return None  # an inquiry that took no money
        again = _to_pay_again(payment, chargeback) if chargeback.result == "won" else 0
        if chargeback.result == "lost":
            _cancel_future_lesson(booking, actor, now)
        return open_plan(
            payment=payment,
            booking_id=booking.pk,
            purpose=Purpose.CLOSE_CHARGEBACK,
            actor=actor,
            now=now,
            lease=lease,
            terms={"dispute": chargeback.pk, "result": chargeback.result, "again_cents": again},
            movements=[Movement(Kind.TRANSFER, again, "dispute_won")] if again else [],
        )


def _opening(payment: Payment, dispute_id: str) -> MoneyPlan:
    return payment.plans.get(purpose=Purpose.OPEN_CHARGEBACK, terms__dispute=dispute_id)


def _to_pay_again(payment: Payment, chargeback: Chargeback) -> int:
    """What was clawed back for this dispute and is not with the instructor now."""
    opening = _opening(payment, chargeback.pk)
    return max(0, int(opening.terms["clawed_cents"]) - paid_to_instructor(payment))


def _cancel_future_lesson(booking: Booking, actor: Actor, now: datetime) -> None:
    """A lesson whose money was lost before it took place does not take place."""
    if booking.status == BookingStatus.CONFIRMED and now < booking.starts_at:
        before = (booking.status, booking.payment.status)
        booking.cancel()
        booking.holds_slot = False
        booking.cancelled_at, booking.cancelled_by, booking.cancellation_reason = now, Role.SYSTEM, "Chargeback lost"
        booking.save()
        note(booking, "booking_cancelled", actor=actor, now=now, before=before, reason="Chargeback lost")


def _conclude_closing(plan: MoneyPlan, booking: Booking, now: datetime) -> str:
    refusal, payment = Moves(plan).refusal, booking.payment
    before = (booking.status, payment.status)
    won = plan.terms["result"] == "won"
    if won:
        book_credits(unfreeze_issued_from(payment_id=payment.pk, now=now))
        release_account(AccountHold.Kind.NEGATIVE, payment_id=payment.pk, now=now, by="chargeback won")
        if refusal is not None:
            return review(plan, booking, refusal, now)
    payment.review_reason = _opening(payment, plan.terms["dispute"]).terms.get("waiting", "") if won else ""
    payment.instructor_payout_cents = paid_to_instructor(payment)
    if payment.review_reason:
        payment.save()  # what support was deciding before waits for them again
    elif won and payment.frozen_status != S.SETTLED:
        payment.thaw()
        payment.save()
    else:
        _end(booking, plan, won=won, now=now)
        booking.no_show_reports.filter(resolved_at=None).update(resolved_at=now, resolution="cancelled")
        close_support(booking_id=booking.pk, now=now)
    note(
        booking,
        "chargeback_won" if won else "chargeback_lost",
        actor=actor_of(plan),
        now=now,
        before=before,
        plan=plan,
        amounts=recorded_amounts(payment),
    )
    return "won" if won else "lost"


def _end(booking: Booking, plan: MoneyPlan, *, won: bool, now: datetime) -> None:
    payment = booking.payment
    chargeback = Chargeback.objects.get(pk=plan.terms["dispute"])
    payment.settlement_outcome = Outcome.DISPUTE_WON if won else Outcome.STUDENT_WINS_DISPUTE
    payment.settled_at = now
    if not won:
        book_credits(revoke_frozen_from(payment_id=payment.pk, now=now))
        _release_reserved(payment, now)
        take_milestone_back(payment, now)
        returned = payment.refunded_to_card_cents + chargeback.amount_cents
        payment.refunded_to_card_cents = min(returned, payment.card_charged_cents)
        payment.student_credit_cents = 0
        hold_account(
            booking,
            AccountHold.Kind.RESTRICTED,
            amount_cents=chargeback.amount_cents,
            now=now,
            reason="A chargeback was lost.",
        )
        if payment.has_locked_funds:
            payment.lock_resolution, payment.lock_resolved_at = Outcome.STUDENT_WINS_DISPUTE, now
    payment.settle()
    payment.save()


def _release_reserved(payment: Payment, now: datetime) -> None:
    """Credits still reserved for a lesson whose money was lost go back to their owner."""
    entries = release(payment_id=payment.pk, now=now)
    payment.credits_released_cents += book_credits(entries).get("release", 0)


tells(Purpose.OPEN_CHARGEBACK, conclude=_conclude_opening)
tells(Purpose.CLOSE_CHARGEBACK, conclude=_conclude_closing)
