"""What staff decide about people: holds and goodwill."""

from datetime import datetime

from django import forms

from accounts.models import AccountHold, User
from bookings import operations
from bookings.operations.desk import CreditSpent, HoldLifted, NotGoodwill
from common.actors import Actor
from common.money import dollars
from common.problems import NotFound
from credits.models import CreditLot
from credits.queries import available_cents
from support.models import DeskAction

from .action import ActionForm, Effect, Inputs, Shown, action, reason_of


# --- Holds -----------------------------------------------------------------------------------------------------------
def _hold(hold_id: str) -> AccountHold:
    hold = AccountHold.objects.select_related("user").filter(pk=hold_id).first()
    if hold is None:
        raise NotFound("There is no such hold.")
    if hold.lifted_at:
        raise HoldLifted()
    return hold


def _show_lift(hold_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    hold = _hold(hold_id)
    others = AccountHold.objects.filter(user=hold.user, lifted_at=None).exclude(pk=hold.pk).count()
    after = "may book again" if not others else f"may not book: {others} other hold(s)"
    effects = [
        Effect("Student", hold.get_kind_display(), "open", "lifted"),
        Effect("Student", "Booking", "may not book", after),
    ]
    if hold.kind == AccountHold.Kind.NEGATIVE:
        effects.append(Effect("Platform", "Owed by the student", dollars(hold.amount_cents), dollars(0)))
    return Shown(effects, hold.amount_cents, person_id=hold.user_id)


def _lift(asked: DeskAction, actor: Actor, now: datetime) -> str:
    operations.lift_account_hold(hold_id=asked.subject_id, actor=actor, reason=reason_of(asked), now=now)
    return "Lifted"


def _lifted(asked: DeskAction) -> str:
    mine = AccountHold.objects.filter(pk=asked.subject_id, lifted_by=str(asked.asked_by.as_actor("admin")))  # type: ignore[arg-type]
    return "Lifted" if mine.filter(lifted_at__gte=asked.asked_at).exists() else ""


def _show_restrict(person_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    person = _person(person_id)
    before = "may not book" if AccountHold.objects.filter(user=person, lifted_at=None).exists() else "may book"
    return Shown([Effect(person.role.title(), "Booking", before, "may not book")], person_id=person.pk)


def _restrict(asked: DeskAction, actor: Actor, now: datetime) -> str:
    operations.restrict_account(person_id=asked.subject_id, actor=actor, reason=asked.reason, now=now)
    return "Restricted"


def _restricted(asked: DeskAction) -> str:
    open_now = AccountHold.objects.filter(user=asked.subject_id, kind="restricted", payment_id="", lifted_at=None)
    return "Restricted" if open_now.exists() else ""


action("lift", "Lift the hold", about="hold", show=_show_lift, do=_lift, was_done=_lifted)
action("restrict", "Lock the account", about="person", show=_show_restrict, do=_restrict, was_done=_restricted)


# --- Goodwill --------------------------------------------------------------------------------------------------------
class GoodwillForm(ActionForm):
    amount_cents = forms.IntegerField(label="Amount in cents", min_value=1, max_value=100_000)
    days = forms.IntegerField(label="Good for days", min_value=1, max_value=365, initial=365)


def _person(person_id: str) -> User:
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    return person


def _issue_key(asked: DeskAction) -> str:
    return f"desk:{asked.pk}"


def _show_goodwill(person_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    person, cents = _person(person_id), inputs["amount_cents"]
    if not person.is_student:
        raise NotFound("Only students have credits.")
    has = available_cents(user_id=person.pk, now=now)
    effects = [
        Effect("Student", "Credits to spend", dollars(has), dollars(has + cents)),
        Effect("Credits", "Expires", "", f"in {inputs['days']} days"),
        Effect("Platform", "Given away", dollars(0), dollars(cents)),
    ]
    return Shown(effects, cents, person_id=person.pk)


def _give(asked: DeskAction, actor: Actor, now: datetime) -> str:
    lot = operations.issue_goodwill(
        person_id=asked.subject_id,
        amount_cents=asked.inputs["amount_cents"],
        days=asked.inputs["days"],
        key=_issue_key(asked),
        actor=actor,
        now=now,
    )
    return f"Credit {lot.pk}"


def _given(asked: DeskAction) -> str:
    lot = CreditLot.objects.filter(issue_key=_issue_key(asked)).first()
    return f"Credit {lot.pk}" if lot else ""


def _goodwill_lot(lot_id: str) -> CreditLot:
    lot = CreditLot.objects.select_related("split_from").filter(pk=lot_id).first()
    if lot is None:
        raise NotFound("There is no such credit.")
    if lot.source != CreditLot.Source.GOODWILL:
        raise NotGoodwill()
    return lot.split_from or lot


def _show_revoke(lot_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    issued = _goodwill_lot(lot_id)
    family = CreditLot.objects.filter(pk=issued.pk) | CreditLot.objects.filter(split_from=issued)
    unspent = sum(lot.amount_cents for lot in family if lot.status == "available" and lot.expires_at > now)
    if not unspent:
        raise CreditSpent()
    has = available_cents(user_id=issued.owner_id, now=now)
    effects = [
        Effect("Student", "Credits to spend", dollars(has), dollars(has - unspent)),
        Effect("Credits", "Unspent of this credit", dollars(unspent), dollars(0)),
    ]
    return Shown(effects, unspent, person_id=issued.owner_id)


def _revoke(asked: DeskAction, actor: Actor, now: datetime) -> str:
    return f"{dollars(operations.revoke_goodwill(lot_id=asked.subject_id, actor=actor, now=now))} taken back"


def _revoked(asked: DeskAction) -> str:
    issued = _goodwill_lot(asked.subject_id)
    family = CreditLot.objects.filter(pk=issued.pk) | CreditLot.objects.filter(split_from=issued)
    back = family.filter(status="revoked", entries__kind="revoke", entries__at__gte=asked.asked_at)
    return "Taken back" if back.exists() else ""


action(
    "goodwill", "Give goodwill credit", about="person", form=GoodwillForm, show=_show_goodwill, do=_give,
    was_done=_given,
)  # fmt: skip
action("revoke-goodwill", "Take goodwill back", about="lot", show=_show_revoke, do=_revoke, was_done=_revoked)
