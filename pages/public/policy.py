"""The policy in plain words, and a calculator: what if I cancel then?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms

from bookings.policy.cancellation import cancellation_terms
from bookings.policy.pricing import STUDENT_FEE_BPS, Amounts, quote_of_price
from bookings.policy.terms import Credits, Step
from bookings.policy.windows import DAY_BEFORE, HALF_DAY_BEFORE, Window, window_of
from catalog.local_time import resolve_local_start
from common.actors import Role
from common.problems import Problem
from pages.door import Page
from pages.forms import PageForm
from pages.viewer import zone_for
from pages.words.problems import in_words
from payments.vocabulary import PaymentStatus

EXAMPLE_CENTS = 12_000
TIER_BPS = 1500


class WhatIfInput(PageForm):
    price = forms.DecimalField(label="Price of the lesson, in dollars", min_value=1, max_value=10_000, decimal_places=2)
    lesson = forms.DateTimeField(
        label="The lesson begins",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    cancel = forms.DateTimeField(
        label="I cancel",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    who = forms.ChoiceField(
        label="I am",
        choices=[(Role.STUDENT.value, "the student"), (Role.INSTRUCTOR.value, "the instructor")],
        widget=forms.RadioSelect,
    )


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What it comes to, in cents, and until when."""

    window: Window
    charged_cents: int
    credit_cents: int
    payout_cents: int
    free_until: datetime
    credit_until: datetime
    by_instructor: bool
    is_over: bool


class Policy(Page):
    """What happens to the money when plans change, in plain words; the calculator answers to the address."""

    template, title = "pages/public/policy.html", "When plans change"
    public = True

    def content(self, **path: Any) -> dict[str, Any]:
        asked = "price" in self.request.GET
        form = WhatIfInput(self.request.GET) if asked else WhatIfInput(initial=self.example())
        answer = None
        if asked and form.is_valid():
            try:
                answer = self.what_if(**form.cleaned_data)
            except Problem as problem:
                form.add_error("lesson", problem.detail if problem.code == "invalid_local_time" else in_words(problem))
        return {"form": form, "answer": answer, "fee": STUDENT_FEE_BPS, "windows": self.windows()}

    def example(self) -> dict[str, Any]:
        """A lesson in three days, cancelled the evening before."""
        local = self.now.astimezone(zone_for(self.request)).replace(minute=0, second=0, microsecond=0, tzinfo=None)
        lesson = local.replace(hour=11) + timedelta(days=3)
        return {"price": "120.00", "lesson": lesson, "cancel": lesson - timedelta(hours=18), "who": "student"}

    def what_if(self, *, price: Any, lesson: datetime, cancel: datetime, who: str) -> WhatIf:
        """The policy's own row for that moment, for a lesson whose card is held as it would be then."""
        zone = zone_for(self.request).key
        starts_at = resolve_local_start(lesson.replace(tzinfo=None), zone)
        then = resolve_local_start(cancel.replace(tzinfo=None), zone)
        amounts: Amounts = quote_of_price(lesson_price_cents=int(price * 100), commission_bps=TIER_BPS)
        window = window_of(starts_at=starts_at, now=then)
        state = PaymentStatus.SCHEDULED if window is Window.FREE else PaymentStatus.AUTHORIZED
        terms = cancellation_terms(who=Role(who), starts_at=starts_at, now=then, state=state)
        return WhatIf(
            window=window,
            charged_cents=amounts.card_amount_cents if Step.CAPTURE in terms.steps else 0,
            credit_cents=0 if terms.credits is Credits.RELEASE else terms.credit_cents(amounts),
            payout_cents=terms.payout_cents(amounts),
            free_until=starts_at - DAY_BEFORE,
            credit_until=starts_at - HALF_DAY_BEFORE,
            by_instructor=who == Role.INSTRUCTOR,
            is_over=then >= starts_at,
        )

    def windows(self) -> list[dict[str, Any]]:
        """The three windows for a lesson of $120, from the policy itself."""
        start, amounts = (
            self.now + 10 * DAY_BEFORE,
            quote_of_price(lesson_price_cents=EXAMPLE_CENTS, commission_bps=TIER_BPS),
        )
        rows = []
        for words, notice, state in (
            ("24 hours or more before", 30, PaymentStatus.SCHEDULED),
            ("12 to 24 hours before", 18, PaymentStatus.AUTHORIZED),
            ("Less than 12 hours before", 6, PaymentStatus.AUTHORIZED),
        ):
            terms = cancellation_terms(
                who=Role.STUDENT, starts_at=start, now=start - timedelta(hours=notice), state=state
            )
            charged = amounts.card_amount_cents if Step.CAPTURE in terms.steps else 0
            credit = 0 if terms.credits is Credits.RELEASE else terms.credit_cents(amounts)
            rows.append({"words": words, "charged": charged, "credit": credit, "payout": terms.payout_cents(amounts)})
        return rows
