"""What staff decide about a booking's money, through the operations that everybody uses; shown by rehearsing them."""

from collections.abc import Callable
from datetime import datetime

from django import forms

from bookings import operations
from bookings.models import Booking, BookingEvent
from bookings.operations.refund import REASONS
from bookings.policy.forecast import Planned, Standing
from common.actors import Actor
from common.money import dollars
from payments.models import MoneyMovement, MoneyPlan
from support.models import DeskAction

from .action import ActionForm, Effect, Inputs, Shown, action, mark, reason_of

Ask = Callable[[str, Inputs, Actor, str, datetime], object]


# --- Shown -----------------------------------------------------------------------------------------------------------
def effects_of(before: Standing, after: Standing) -> list[Effect]:
    """Where the money stands and will stand, party by party."""
    rows = [
        ("Student", "Charged to the card", before.charged_cents, after.charged_cents),
        ("Student", "Refunded to the card", before.refunded_cents, after.refunded_cents),
        ("Student", "Credit for this lesson", before.credit_cents, after.credit_cents),
        ("Instructor", "Paid out", before.payout_cents, after.payout_cents),
        ("Platform", "Kept of the card's money, before Stripe's fees", before.kept_cents, after.kept_cents),
        ("Credits", "Released with their old dates", before.released_cents, after.released_cents),
        ("Credits", "Issued new", before.issued_cents, after.issued_cents),
        ("Credits", "Forfeited", before.forfeited_cents, after.forfeited_cents),
        ("Credits", "Consumed", before.consumed_cents, after.consumed_cents),
    ]
    return [
        Effect("Booking", "Status", before.booking, after.booking),
        Effect("Booking", "Payment", before.payment, after.payment),
        Effect("Booking", "Outcome", before.outcome or "open", after.outcome or "open"),
        *(Effect(party, what, dollars(was), dollars(will)) for party, what, was, will in rows),
    ]


def money_moved(before: Standing, after: Standing) -> int:
    """The largest change for anybody, in cents."""
    names = ("charged_cents", "refunded_cents", "payout_cents", "credit_cents", "kept_cents")
    return max(abs(int(getattr(after, name)) - int(getattr(before, name))) for name in names)


def _step(planned: Planned) -> str:
    words = MoneyMovement.Kind(planned.kind).label
    return f"{words}: {dollars(planned.amount_cents)}" if planned.amount_cents else words


def _shown(ask: Ask) -> Callable[[str, Inputs, Actor, datetime], Shown]:
    def show(booking_id: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
        seen = operations.rehearse(booking_id, lambda: ask(booking_id, inputs, actor, "Rehearsed", now))
        steps = [_step(planned) for planned in seen.steps]
        effects = effects_of(seen.before, seen.after)
        return Shown(effects, money_moved(seen.before, seen.after), steps, booking_id=booking_id)

    return show


def _done(ask: Ask) -> Callable[[DeskAction, Actor, datetime], str]:
    def do(asked: DeskAction, actor: Actor, now: datetime) -> str:
        ask(asked.subject_id, asked.inputs, actor, reason_of(asked), now)
        return where_it_stands(asked.subject_id)

    return do


def where_it_stands(booking_id: str) -> str:
    booking = Booking.objects.select_related("payment").get(pk=booking_id)
    outcome = booking.payment.settlement_outcome
    return " · ".join(filter(None, (booking.status, booking.payment.status, outcome)))


def _was_done(asked: DeskAction) -> str:
    """Its mark stands in a plan's or an event's reason: the decision was made, and is carried on by itself."""
    events = BookingEvent.objects.filter(booking=asked.subject_id, reason__contains=mark(asked))
    plans = MoneyPlan.objects.filter(booking_id=asked.subject_id, reason__contains=mark(asked))
    return where_it_stands(asked.subject_id) if events.exists() or plans.exists() else ""


def _about_booking(name: str, title: str, ask: Ask, form: type[ActionForm] = ActionForm) -> None:
    action(name, title, about="booking", form=form, show=_shown(ask), do=_done(ask), was_done=_was_done)


# --- The actions -----------------------------------------------------------------------------------------------------
class NoShowForm(ActionForm):
    resolution = forms.ChoiceField(
        choices=[
            ("confirmed_after_review", "Confirm the report"),
            ("dispute_upheld", "Reject the report: the dispute is right"),
            ("cancelled", "Withdraw the report: as if it had never been made"),
        ],
        widget=forms.RadioSelect,
    )


class ReviewForm(ActionForm):
    resolution = forms.ChoiceField(
        choices=[
            ("full_payout", "Full payout to the instructor"),
            ("full_refund", "Full refund to the student"),
            ("split_50_50", "Half each: half payout, half credit"),
            ("resume", "Resume what was interrupted"),
        ],
        widget=forms.RadioSelect,
    )


class CancelForm(ActionForm):
    refund = forms.TypedChoiceField(
        choices=[
            ("yes", "Refund: as if the instructor had cancelled"),
            ("no", "No refund: the student's window decides"),
        ],
        widget=forms.RadioSelect,
    )


class RefundForm(ActionForm):
    amount_cents = forms.IntegerField(
        label="Amount in cents", required=False, min_value=1, help_text="Empty: all that is left of the charge."
    )
    because = forms.ChoiceField(label="Kind of reason", choices=[(word, word.replace("_", " ")) for word in REASONS])


def _resolve_no_show(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.resolve_no_show(
        booking_id=booking_id, actor=actor, resolution=inputs["resolution"], reason=reason, now=now
    )


def _resolve_review(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.resolve_review(
        booking_id=booking_id, actor=actor, resolution=inputs["resolution"], reason=reason, now=now
    )


def _retry(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.resolve_review(booking_id=booking_id, actor=actor, resolution="resume", reason=reason, now=now)


def _give_up(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.give_up_movement(booking_id=booking_id, actor=actor, reason=reason, now=now)


def _cancel(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.staff_cancel_booking(
        booking_id=booking_id, actor=actor, reason=reason, refund=inputs["refund"] == "yes", now=now
    )


def _refund(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.refund_booking(
        booking_id=booking_id,
        actor=actor,
        amount_cents=inputs["amount_cents"],
        reason=inputs["because"],
        note=reason,
        now=now,
    )


def _capture(booking_id: str, inputs: Inputs, actor: Actor, reason: str, now: datetime) -> object:
    return operations.capture_now(booking_id=booking_id, actor=actor, reason=reason, now=now)


_about_booking("resolve-no-show", "Resolve the no-show", _resolve_no_show, NoShowForm)
_about_booking("resolve-review", "Resolve the review", _resolve_review, ReviewForm)
_about_booking("retry", "Try the failed movement again", _retry)
_about_booking("give-up", "Give the failed movement up", _give_up)
_about_booking("cancel", "Cancel the lesson", _cancel, CancelForm)
_about_booking("refund", "Refund", _refund, RefundForm)
_about_booking("capture", "Capture now", _capture)
