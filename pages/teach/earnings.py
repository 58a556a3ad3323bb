"""Earnings with a chart, what went to the bank, and being paid at once with its fee shown first."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.paginator import Paginator

from bookings.earnings import earnings_of, history_of, totals_of
from common.actors import Role
from common.ids import new_id
from common.problems import Problem
from pages.door import FormPage, Page, to
from pages.forms import PageForm, Text
from pages.words.problems import in_words
from payments.instant_payouts import quote_instant_payout, request_instant_payout
from payments.models import ConnectAccount, InstantPayout, Payout
from payments.payouts import balance_of, failure_in_words

from .chart import chart_of

PER_PAGE, PAYOUTS, WEEKS = 15, 12, 11
EARNINGS_CSV = "/api/v1/instructor/earnings?format=csv"
STATES = {
    "pending": ("calm", "on its way"),
    "available": ("good", "at Stripe"),
    "paid": ("quiet", "at your bank"),
    "in_transit": ("calm", "on its way"),
    "failed": ("bad", "came back"),
    "canceled": ("quiet", "cancelled"),
}


class Earnings(Page):
    """What lessons bring: in all, week by week, one by one."""

    template, title = "pages/teach/earnings.html", "Earnings"
    roles = (Role.INSTRUCTOR,)

    def content(self, **path: Any) -> dict[str, Any]:
        lessons = earnings_of(self.user)
        today = self.now.astimezone(ZoneInfo(self.user.timezone)).date()
        points = history_of(self.user, interval="week", first=today - timedelta(weeks=WEEKS), last=today)
        page = Paginator(lessons.order_by("-starts_at", "-pk"), PER_PAGE).get_page(self.request.GET.get("page"))
        rows: Any = page.object_list
        return {
            "totals": totals_of(lessons),
            "chart": chart_of(points),
            "page": page,
            "rows": [{"booking": one, "state": STATES[one.earning_status]} for one in rows],
            "csv_url": EARNINGS_CSV,
        }


class PayoutInput(PageForm):
    amount = forms.DecimalField(
        label="How much leaves your balance, in dollars",
        min_value=Decimal("0.01"),
        max_value=1_000_000,
        decimal_places=2,
        required=False,
        help_text="Empty: everything there is.",
    )
    key = Text(max_length=40, widget=forms.HiddenInput)


class Payouts(FormPage):
    """What went to the bank; being paid at once: first its fee, then the button that does it."""

    template, title, form = "pages/teach/payouts.html", "Payouts", PayoutInput
    roles = (Role.INSTRUCTOR,)
    scope = "money"
    done_words = "Sent. It is at your bank in about half an hour."

    def content(self, **path: Any) -> dict[str, Any]:
        sent = Payout.objects.filter(instructor=self.user).select_related("instant").order_by("-created_at", "-id")
        content: dict[str, Any] = {
            "payouts": [
                {"payout": one, "state": STATES.get(one.status, ("calm", one.status)), "why": failure_in_words(one)}
                for one in sent[:PAYOUTS]
            ],
            "balance": None,
            "quote": None,
        }
        try:
            content["balance"] = balance_of(ConnectAccount.objects.filter(instructor=self.user).first())
            content["quote"] = quote_instant_payout(instructor=self.user, amount_cents=self.asked_cents())
            content["quote_dollars"] = f"{content['quote'].amount_cents / 100:.2f}"  # what is shown is what is sent
        except Problem as problem:
            content["why_not"] = in_words(problem)
        return content

    def asked_cents(self) -> int | None:
        """The amount that is typed so far; None is everything."""
        text = str(self.typed.get("amount", "")).strip()
        try:
            return int(Decimal(text) * 100) if text else None
        except (ArithmeticError, ValueError):
            return None

    def initial(self, content: dict[str, Any]) -> dict[str, Any]:
        return {"key": new_id(), "amount": self.typed.get("amount", "")}

    def operate(self, *, amount: Decimal | None, key: str) -> InstantPayout:
        return request_instant_payout(
            actor=self.actor,
            amount_cents=int(amount * 100) if amount else None,
            now=self.now,
            request_key=f"page:{key}",
        )

    def done_url(self, result: object) -> str:
        return to("payouts")
