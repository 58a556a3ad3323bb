"""From asking to done, once: what staff ask is written down, agreed to by a second person where it is large, and carried out.

Asked twice it is one row (the form carries its id); carried out twice it is done once (each action finds its own traces); when
the process that was at it died, a job carries it on.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import User
from bookings.jobs import Run, each
from common import clock
from common.actors import Door
from common.mutex import mutex
from common.problems import OperationInProgress, PermissionDenied, Problem, Refused, StripeFailed, StripeUnavailable

from .actions import ACTIONS, Shown
from .actions.action import Inputs
from .models import DeskAction

State = DeskAction.State
WAIT = timedelta(seconds=30)  # how long the asking process has before the job carries on
LATER = (OperationInProgress, StripeUnavailable, StripeFailed)
log = structlog.get_logger(__name__)


class OwnAction(Refused):
    code, title = "own_action", "Somebody else has to agree to what you asked for"
    remedy = "Ask a colleague who may move money."


class NotWaiting(Refused):
    code, title = "not_waiting", "This was decided already"
    remedy = "Read it again: it says what came of it."


def needs_second(shown: Shown) -> bool:
    """Whether so much money waits for a second person."""
    return shown.money_cents > settings.FOUR_EYES_ABOVE_CENTS


def refuse_without(user: User, permission: str) -> None:
    """Raises PermissionDenied unless this person of staff may do it, now."""
    if not (user.is_active and user.is_staff and user.has_perm(permission)):
        raise PermissionDenied("You may look at this and not do it.")


def show(name: str, subject_id: str, inputs: Inputs, *, user: User, now: datetime) -> Shown:
    """What an action would do. Raises PermissionDenied and whatever the action would be refused with."""
    action = ACTIONS[name]
    refuse_without(user, action.permission)
    return action.show(subject_id, inputs, user.as_actor(Door.ADMIN), now)


def ask(
    *, key: str, name: str, subject_id: str, inputs: Inputs, reason: str, shown: Shown, user: User, now: datetime
) -> DeskAction:
    """Write down what somebody wants, once per key, and carry it out unless a second person has to agree first."""
    refuse_without(user, ACTIONS[name].permission)
    second = needs_second(shown)
    asked, _ = DeskAction.objects.get_or_create(
        id=key,
        defaults={
            "action": name,
            "subject_id": subject_id,
            "booking_id": shown.booking_id,
            "person_id": shown.person_id,
            "inputs": inputs,
            "effect": shown.as_rows(),
            "reason": reason,
            "money_cents": shown.money_cents,
            "needs_second": second,
            "state": State.WAITING if second else State.AGREED,
            "asked_by": user,
            "asked_at": now,
            "next_attempt_at": clock.system_now() + WAIT,
        },
    )
    return carry_out(asked.pk, now)


def agree(*, action_id: str, user: User, agrees: bool, now: datetime) -> DeskAction:
    """The second person agrees or declines; agreed, it is carried out. Raises OwnAction, NotWaiting, PermissionDenied."""
    with transaction.atomic():
        asked = DeskAction.objects.select_for_update().get(pk=action_id)
        refuse_without(user, ACTIONS[asked.action].permission)
        if asked.asked_by_id == user.pk:
            raise OwnAction()
        if asked.state != State.WAITING:
            raise NotWaiting()
        asked.decided_by, asked.decided_at = user, now
        asked.state = State.AGREED if agrees else State.DECLINED
        asked.next_attempt_at = clock.system_now() + WAIT
        asked.save()
    return carry_out(action_id, now)


def carry_out(action_id: str, now: datetime) -> DeskAction:
    """Do what is agreed, once; what cannot go on now is left to the job. What the rules refuse is noted as refused."""
    try:
        with mutex(f"desk:{action_id}"):
            return _carry_out(action_id, now)
    except OperationInProgress:
        return DeskAction.objects.get(pk=action_id)  # somebody is at it


def _carry_out(action_id: str, now: datetime) -> DeskAction:
    asked = DeskAction.objects.select_related("asked_by", "decided_by").get(pk=action_id)
    if asked.state != State.AGREED:
        return asked
    action = ACTIONS[asked.action]
    try:
        result = action.was_done(asked)
        if not result:
            refuse_without(asked.asked_by, action.permission)
            result = action.do(asked, asked.asked_by.as_actor(Door.ADMIN), now)
        asked.state, asked.done_at = State.DONE, now
    except LATER as later:
        asked.attempts += 1
        asked.next_attempt_at = clock.system_now() + WAIT * min(2**asked.attempts, 60)
        result = f"Carried on by itself: {later.detail}"
    except Problem as refusal:
        asked.state, asked.done_at = State.REFUSED, now
        result = refusal.detail
    asked.result = result[:500]
    asked.save(update_fields=["state", "done_at", "attempts", "next_attempt_at", "result"])
    log.info("desk_action", action=asked.action, id=asked.pk, state=asked.state, result=asked.result)
    return asked


def carry_on_desk_actions(now: datetime) -> Run:
    """The job: what was agreed and not carried out, because the process died or Stripe could not be reached."""
    return each("carry_on_desk_actions", _waiting(), lambda action_id: str(carry_out(action_id, now).state))


def _waiting() -> Iterable[str]:
    due = DeskAction.objects.filter(state=State.AGREED, next_attempt_at__lte=clock.system_now())
    return due.order_by("next_attempt_at").values_list("pk", flat=True)[:100]
