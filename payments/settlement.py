"""Decide, commit the decision, move the money, conclude: the repeatable part (docs/decisions/0001).

`open_plan` commits a decision with its movements. `carry_out` takes each movement from planned to sent to done or refused,
committing every step; an unknown outcome is resolved by asking Stripe what exists. Carrying out twice moves money once.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from common import clock
from common.actors import Actor
from common.ids import new_id
from common.mutex import Lease
from common.problems import OperationInProgress, StripeUnavailable

from . import gateway
from .models import MoneyMovement, MoneyPlan, Payment
from .movements import HANDLERS, NotThere, note_hold

KEYS_KEPT = timedelta(hours=23)  # Stripe forgets idempotency keys after 24 h: an older request is looked up first
NEW_KEYS_AT_ONCE = 2  # how often one pass answers a proven 5xx with a new key
TRIES = 3  # with the same key, before asking what exists
RESUME_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
Status = MoneyMovement.Status
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement to plan: what kind, how many cents, what a transfer is for, what the request needs beside.

    `key` is what its idempotency key is made from, when that is not the movement's own id.
    """

    kind: MoneyMovement.Kind
    amount_cents: int = 0
    purpose: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    key: str = ""


def unfinished_plan_of(payment: Payment) -> MoneyPlan | None:
    """The decision about this payment that is not concluded yet, if there is one."""
    return MoneyPlan.objects.filter(payment=payment, finished_at=None).first()


def open_plan(
    *,
    payment: Payment,
    booking_id: str,
    purpose: MoneyPlan.Purpose,
    actor: Actor,
    now: datetime,
    lease: Lease,
    movements: Iterable[Movement] = (),
    terms: dict[str, Any] | None = None,
    reason: str = "",
) -> MoneyPlan:
    """Write a decision and its movements. Must run inside the transaction that holds the payment's row lock.

    Raises OperationInProgress when another decision about this payment is not concluded yet.
    """
    try:
        with transaction.atomic():
            plan = MoneyPlan.objects.create(
                payment=payment,
                booking_id=booking_id,
                purpose=purpose,
                terms=terms or {},
                actor_role=actor.role,
                actor_id=actor.id,
                door=actor.door,
                reason=reason[:2000],
                decided_at=now,
                fence=lease.token,
                next_attempt_at=clock.system_now() + RESUME_AFTER[0],
            )
    except IntegrityError as error:
        raise OperationInProgress() from error
    extend_plan(plan, movements)
    return plan


def extend_plan(plan: MoneyPlan, movements: Iterable[Movement]) -> None:
    """Append movements to a decision: what follows from a refusal. Must run inside a transaction."""
    start = plan.movements.count()
    for position, movement in enumerate(movements, start):
        movement_id = new_id()
        MoneyMovement.objects.create(
            id=movement_id,
            plan=plan,
            payment_id=plan.payment_id,
            position=position,
            kind=movement.kind,
            purpose=movement.purpose,
            amount_cents=movement.amount_cents,
            params=movement.params,
            idempotency_key=_key(movement.kind, movement.key or movement_id, 1),
        )


def _key(kind: str, cause: str, generation: int) -> str:
    return f"{kind}:{cause}:{generation}"


def carry_out(plan: MoneyPlan, lease: Lease, now: datetime) -> None:
    """Move the money of a plan, in order, until all is done or Stripe refused something. Never inside a transaction.

    Raises StripeUnavailable when the outcome of a movement cannot be found out now (the plan stays and is resumed), and
    OperationInProgress when a younger holder of the mutex has taken the plan over.
    """
    for movement in plan.movements.order_by("position"):
        if movement.status in (Status.DONE, Status.SKIPPED, Status.REFUSED):
            continue  # a refusal was answered by what comes after it, or ends the plan
        if _send(movement, lease, now).status == Status.REFUSED:
            return


def postpone(plan: MoneyPlan, error: Exception) -> None:
    """Note that a plan could not be carried on now, and when to try again."""
    plan.refresh_from_db()
    plan.attempts += 1
    wait = RESUME_AFTER[min(plan.attempts, len(RESUME_AFTER)) - 1]
    plan.next_attempt_at = clock.system_now() + wait
    plan.last_error = str(error)[:300]
    plan.save(update_fields=["attempts", "next_attempt_at", "last_error"])


def _send(movement: MoneyMovement, lease: Lease, now: datetime) -> MoneyMovement:
    movement, resumed = _mark_sent(movement.pk, lease)
    if movement.status != Status.SENT:
        return movement
    try:
        try:
            return _made_so(movement, lease, now, resumed=resumed)
        except gateway.Declined as refusal:
            return _refused(movement, refusal, now)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable(
            f"Stripe does not say what became of it ({unknown}). It will be carried on."
        ) from unknown


def _made_so(movement: MoneyMovement, lease: Lease, now: datetime, *, resumed: bool) -> MoneyMovement:
    """Find the movement done, or get it done. Raises Declined, or OutcomeUnknown when nobody can say."""
    if resumed:  # somebody asked before us and never told: ask what exists before asking again
        try:
            return _done(movement.pk, _look_up(movement), now)
        except NotThere:
            if clock.system_now() - (movement.sent_at or clock.system_now()) > KEYS_KEPT:
                movement = _next_generation(movement, lease)
    for new_keys in range(NEW_KEYS_AT_ONCE + 1):
        try:
            answer = _ask(movement)
        except gateway.OutcomeUnknown as unknown:
            try:
                return _done(movement.pk, _look_up(movement), now)
            except NotThere:
                if not unknown.answered or new_keys == NEW_KEYS_AT_ONCE:
                    raise unknown from None
            movement = _next_generation(movement, lease)  # proven not to have happened: its 5xx would be replayed
            continue
        return _done(movement.pk, answer, now)
    raise AssertionError("unreachable")


def _look_up(movement: MoneyMovement) -> dict[str, Any]:
    """What exists at Stripe of a movement. Raises NotThere (also for an object Stripe does not know) or OutcomeUnknown."""
    try:
        return HANDLERS[movement.kind].look_up(movement)
    except gateway.Declined as refusal:
        raise NotThere from refusal


def _ask(movement: MoneyMovement) -> dict[str, Any]:
    """The request, a few times with the same key while there is no answer. Raises Declined or OutcomeUnknown."""
    for attempt in range(TRIES):
        try:
            return HANDLERS[movement.kind].send(movement)
        except gateway.OutcomeUnknown as unknown:
            if unknown.answered or attempt == TRIES - 1:
                raise
            time.sleep(0.1 * 3**attempt)
    raise AssertionError("unreachable")


def _locked(movement_id: str) -> tuple[Payment, MoneyPlan, MoneyMovement]:
    """Payment, plan and movement, locked in the one order everybody uses."""
    payment_id = MoneyMovement.objects.values_list("payment_id", flat=True).get(pk=movement_id)
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    movement = MoneyMovement.objects.select_for_update().get(pk=movement_id)
    plan = MoneyPlan.objects.select_for_update().get(pk=movement.plan_id)
    movement.plan = plan
    return payment, plan, movement


def stay_youngest(plan: MoneyPlan, lease: Lease) -> None:
    """Only the youngest holder of the mutex goes on. Raises OperationInProgress for an older one."""
    if plan.fence > lease.token:
        raise OperationInProgress()
    if plan.fence < lease.token:
        plan.fence = lease.token
        plan.save(update_fields=["fence"])


def _mark_sent(movement_id: str, lease: Lease) -> tuple[MoneyMovement, bool]:
    """Commit that a request is about to leave, with everything it will say. True when it may have left before."""
    with transaction.atomic():
        payment, plan, movement = _locked(movement_id)
        if movement.status not in (Status.PLANNED, Status.SENT):
            return movement, False
        stay_youngest(plan, lease)
        resumed = movement.status == Status.SENT
        if not resumed:
            movement.params = {**movement.params, **HANDLERS[movement.kind].request(movement, payment)}
            movement.status, movement.sent_at = Status.SENT, clock.system_now()
            movement.save(update_fields=["params", "status", "sent_at"])
    return movement, resumed


def _next_generation(movement: MoneyMovement, lease: Lease) -> MoneyMovement:
    """A new key, because the old one can no longer do it. Only one of two carriers gets to make it."""
    with transaction.atomic():
        _, plan, fresh = _locked(movement.pk)
        stay_youngest(plan, lease)
        if fresh.generation == movement.generation and fresh.status == Status.SENT:
            fresh.generation += 1
            fresh.idempotency_key = f"{fresh.idempotency_key.rpartition(':')[0]}:{fresh.generation}"
            fresh.sent_at = clock.system_now()
            fresh.save(update_fields=["generation", "idempotency_key", "sent_at"])
    return fresh


def _done(movement_id: str, answer: dict[str, Any], now: datetime) -> MoneyMovement:
    """Commit what Stripe did, with its ledger lines, at once and once."""
    with transaction.atomic():
        payment, _, movement = _locked(movement_id)
        if movement.status == Status.SENT:
            HANDLERS[movement.kind].record(movement, payment, answer, now)
            movement.status, movement.done_at = Status.DONE, now
            movement.save()
            payment.save()
    return movement


def _refused(movement: MoneyMovement, refusal: gateway.Declined, now: datetime) -> MoneyMovement:
    """Commit a definite refusal; unless it says that the thing is already so, which is as good as done.

    Raises OutcomeUnknown when Stripe cannot be asked which of the two it is.
    """
    if not refusal.is_card:
        try:
            return _done(movement.pk, _look_up(movement), now)
        except NotThere:
            pass
    with transaction.atomic():
        payment, _, fresh = _locked(movement.pk)
        if fresh.status == Status.SENT:
            fresh.status = Status.REFUSED
            fresh.error_code, fresh.decline_code = refusal.code[:80], refusal.decline_code[:80]
            fresh.error_message = refusal.message[:500]
            if refusal.intent:
                fresh.result = {"intent_status": refusal.intent.get("status", "")}
                note_hold(payment, refusal.intent)
                payment.save()
            fresh.save()
            _skip_the_rest(fresh)
    log.info("movement_refused", movement=fresh.pk, kind=fresh.kind, code=fresh.error_code)
    return fresh


def _skip_the_rest(refused: MoneyMovement) -> None:
    """What was planned after a refused movement does not happen."""
    later = MoneyMovement.objects.filter(plan_id=refused.plan_id, position__gt=refused.position)
    later.filter(status=Status.PLANNED).update(status=Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Held:
    """A transfer to the instructor of which something is still theirs. `fee_cents` came back to us from it."""

    transfer_id: str
    account_id: str
    purpose: str
    amount_cents: int
    reversed_cents: int
    fee_id: str = ""
    fee_cents: int = 0
    fee_refunded_cents: int = 0

    @property
    def left_cents(self) -> int:
        """What a reversal can still take back."""
        return self.amount_cents - self.reversed_cents

    @property
    def net_cents(self) -> int:
        """What the instructor's account holds from it."""
        return self.left_cents - (self.fee_cents - self.fee_refunded_cents)


def transfers_of(payment: Payment) -> list[Held]:
    """Every transfer this payment made, with what was taken back of each, from the movements Stripe confirmed."""
    done = list(MoneyMovement.objects.filter(payment=payment, status=Status.DONE).order_by("done_at", "id"))
    made: dict[str, dict[str, Any]] = {}
    for movement in done:
        result = movement.result
        if movement.kind == MoneyMovement.Kind.CAPTURE:
            made[result["transfer"]] = {
                "account_id": movement.stripe_account,
                "purpose": "automatic",
                "amount_cents": result["transfer_amount"],
                "fee_id": result["application_fee"],
                "fee_cents": result["application_fee_amount"],
                "reversed_cents": 0,
                "fee_refunded_cents": 0,
            }
        elif movement.kind == MoneyMovement.Kind.TRANSFER:
            made[result["transfer"]] = {
                "account_id": movement.stripe_account,
                "purpose": movement.purpose,
                "amount_cents": result["amount"],
                "reversed_cents": 0,
            }
    for movement in done:
        result = movement.result
        if movement.kind in (MoneyMovement.Kind.REVERSE, MoneyMovement.Kind.REFUND) and result.get("transfer") in made:
            transfer = made[result["transfer"]]
            transfer["reversed_cents"] += result["reversed"] if "reversed" in result else result["amount"]
            transfer["fee_refunded_cents"] = transfer.get("fee_refunded_cents", 0) + result["fee_refunded"]
    return [Held(transfer_id=transfer_id, **fields) for transfer_id, fields in made.items()]


def paid_to_instructor(payment: Payment) -> int:
    """What the instructor's account holds from this payment, in cents: only what Stripe has confirmed."""
    return sum(held.net_cents for held in transfers_of(payment))
