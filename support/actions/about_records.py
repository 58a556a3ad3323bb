"""What staff do about records: a stuck decision, a difference, a mail, an event from Stripe."""

from datetime import datetime

from django import forms

from bookings import operations
from bookings.models import MailLog
from bookings.operations.upkeep import resume_plan
from bookings.reconciliation.explaining import AGAINST, correction_of, explain_difference
from common.actors import Actor
from common.money import dollars
from common.problems import NotFound
from payments.models import LedgerEntry, MoneyPlan, StripeEventInbox
from support.models import DeskAction

from .action import DESK, ActionForm, Effect, Inputs, Shown, action


# --- A decision that is stuck ----------------------------------------------------------------------------------------
def _plan(plan_id: str) -> MoneyPlan:
    plan = MoneyPlan.objects.filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("There is no such decision.")
    return plan


def _show_resume(plan_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    plan = _plan(plan_id)
    rows = [
        Effect("Decision", f"{m.get_kind_display()} {dollars(m.amount_cents)}", m.status, "asked of Stripe again")
        for m in plan.movements.order_by("position")
        if m.status in ("planned", "sent")
    ]
    same = Effect("Decision", plan.get_purpose_display(), "decided", "the same, with the same keys")
    return Shown([same, *rows], booking_id=plan.booking_id)


def _resume(asked: DeskAction, actor: Actor, now: datetime) -> str:
    return resume_plan(asked.subject_id, now)


def _resumed(asked: DeskAction) -> str:
    return _plan(asked.subject_id).result


action("resume-plan", "Carry the decision on now", about="plan", show=_show_resume, do=_resume, was_done=_resumed)


# --- A difference between our ledger and Stripe's --------------------------------------------------------------------
class ExplainForm(ActionForm):
    against = forms.ChoiceField(label="Booked against", choices=list(AGAINST.items()))


def _show_explain(difference_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    difference, cents = correction_of(difference_id)
    where = difference.stripe_account or "platform"
    effects = [
        Effect("Ledger", f"{difference.stripe_source} on {where}", "our ledger", f"{dollars(cents)} added"),
        Effect("Ledger", AGAINST[inputs["against"]], "", f"{dollars(-cents)} added"),
        Effect("Stripe", "Money", "as it is", "as it is: a correction moves no money"),
    ]
    return Shown(effects, abs(cents), booking_id=difference.booking_id)


def _explain(asked: DeskAction, actor: Actor, now: datetime) -> str:
    cents = explain_difference(
        difference_id=asked.subject_id,
        against=asked.inputs["against"],
        key=_correction_key(asked),
        actor=actor,
        reason=asked.reason,
        now=now,
    )
    return f"{dollars(cents)} booked"


def _correction_key(asked: DeskAction) -> str:
    return f"correction:{asked.pk}"


def _explained(asked: DeskAction) -> str:
    return "Booked" if LedgerEntry.objects.filter(key=_correction_key(asked)).exists() else ""


action(
    "explain", "Explain the difference", about="difference", form=ExplainForm, show=_show_explain, do=_explain,
    was_done=_explained,
)  # fmt: skip


# --- Mails and events ------------------------------------------------------------------------------------------------
def _show_mail(mail_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    mail = MailLog.objects.select_related("event").filter(pk=mail_id).first()
    if mail is None:
        raise NotFound("There is no such mail.")
    times = MailLog.objects.filter(event=mail.event, cause=mail.cause, to=mail.to, kind=mail.kind).count()
    effects = [Effect("Reader", f"{mail.kind} to {mail.to}", f"written {times}×", f"written {times + 1}×")]
    return Shown(effects, booking_id=mail.event.booking_id if mail.event else "", person_id=mail.recipient_id or "")


def _resend(asked: DeskAction, actor: Actor, now: datetime) -> str:
    return f"Mail {operations.resend_mail(mail_id=asked.subject_id, key=asked.pk, now=now).pk}"


def _resent(asked: DeskAction) -> str:
    mail = MailLog.objects.filter(facts__resent_as=asked.pk).first()
    return f"Mail {mail.pk}" if mail else ""


def _show_replay(event_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    event = StripeEventInbox.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound("There is no such event.")
    before = event.result or event.last_error or "waits"
    return Shown([Effect("Stripe event", event.type, before, "read back from Stripe and worked through again")])


def _replay(asked: DeskAction, actor: Actor, now: datetime) -> str:
    return operations.replay_event(event_id=asked.subject_id, now=now)


def _never(asked: DeskAction) -> str:
    """Worked through twice is worked through once: nothing needs to be found again."""
    return ""


action(
    "resend-mail", "Send the mail again", about="mail", permission=DESK, show=_show_mail, do=_resend, was_done=_resent
)
action(
    "replay-event", "Work through the event again", about="event", permission=DESK, show=_show_replay, do=_replay,
    was_done=_never,
)  # fmt: skip
