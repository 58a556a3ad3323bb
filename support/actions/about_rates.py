"""Finance changes the rates from a date on; what is booked keeps what it was quoted (policy 1)."""

from datetime import UTC, datetime

from django import forms

from bookings.models import RateChange, rates_at
from bookings.policy.rates import Rates
from common.actors import Actor
from common.problems import Refused
from support.models import DeskAction

from .action import ActionForm, Effect, Inputs, Shown, action

NAMES = {
    "student_fee_bps": "Booking Protection, basis points of the lesson",
    "base_bps": "Commission from 1 lesson on, basis points",
    "middle_bps": "Commission from 5 lessons on, basis points",
    "best_bps": "Commission from 11 lessons on, basis points",
    "floor_in_person_cents": "Price floor in person, cents for 60 minutes",
    "floor_online_cents": "Price floor online, cents for 60 minutes",
}


class RatesInThePast(Refused):
    code, title = "rates_in_the_past", "Rates hold from a moment to come: what was quoted before keeps its rates"
    remedy = "Choose a later moment."


class RatesForm(ActionForm):
    effective_from = forms.DateTimeField(
        label="Holds from (UTC)", help_text="Such as 2027-01-01 00:00", widget=forms.DateTimeInput()
    )
    student_fee_bps = forms.IntegerField(label=NAMES["student_fee_bps"], min_value=0, max_value=5000)
    base_bps = forms.IntegerField(label=NAMES["base_bps"], min_value=0, max_value=5000)
    middle_bps = forms.IntegerField(label=NAMES["middle_bps"], min_value=0, max_value=5000)
    best_bps = forms.IntegerField(label=NAMES["best_bps"], min_value=0, max_value=5000)
    floor_in_person_cents = forms.IntegerField(label=NAMES["floor_in_person_cents"], min_value=0, max_value=100_000)
    floor_online_cents = forms.IntegerField(label=NAMES["floor_online_cents"], min_value=0, max_value=100_000)

    def clean(self) -> dict[str, object]:
        """The better the tier, the lower its commission."""
        given = super().clean() or self.cleaned_data
        tiers = [given.get(name) for name in ("base_bps", "middle_bps", "best_bps")]
        if None not in tiers and tiers != sorted(tiers, key=int, reverse=True):  # type: ignore[arg-type]
            self.add_error("middle_bps", "A better tier cannot have a higher commission.")
        return given

    @property
    def inputs(self) -> Inputs:
        """The instant as text: what was asked for is kept as JSON."""
        given = super().inputs
        return {**given, "effective_from": given["effective_from"].astimezone(UTC).isoformat()}


def _show(_: str, inputs: Inputs, actor: Actor, now: datetime) -> Shown:
    begins = datetime.fromisoformat(inputs["effective_from"])
    if begins <= now:
        raise RatesInThePast()
    before, after = rates_at(begins), _rates(inputs)
    effects = [Effect("Rates", NAMES[name], str(getattr(before, name)), str(getattr(after, name))) for name in NAMES]
    when = Effect("Rates", "Hold from", "", f"{begins:%Y-%m-%d %H:%M} UTC")
    kept = Effect("Bookings", "Quoted before that", "as quoted", "as quoted")
    return Shown([when, *effects, kept])


def _rates(inputs: Inputs) -> Rates:
    return Rates(**{name: inputs[name] for name in NAMES})


def _change(asked: DeskAction, actor: Actor, now: datetime) -> str:
    begins = datetime.fromisoformat(asked.inputs["effective_from"])
    if begins <= now or RateChange.objects.filter(effective_from=begins).exists():
        raise RatesInThePast()
    change = RateChange.objects.create(
        id=asked.pk,
        effective_from=begins,
        reason=asked.reason,
        made_by=asked.asked_by,
        made_at=now,
        **{name: asked.inputs[name] for name in NAMES},
    )
    return str(change)


def _changed(asked: DeskAction) -> str:
    change = RateChange.objects.filter(pk=asked.pk).first()
    return str(change) if change else ""


action("rates", "Change the rates", about="rates", form=RatesForm, show=_show, do=_change, was_done=_changed)
