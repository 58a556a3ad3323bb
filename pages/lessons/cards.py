"""Choosing a card: a saved one, or a new one from Stripe's own form, and the bank's question in between."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from accounts.models import User
from bookings import operations
from bookings.operations import CheckedOut
from bookings.state_machine import BookingStatus as B
from common.actors import Role
from pages.door import Act, Page, to
from pages.forms import PageForm
from payments import cards
from payments.models import PaymentMethod

from .reading import LessonPage

NEW = "new"
CONFIRMING = "confirming_payment"  # in the session: booking -> the secret with which the browser asks the bank


class CardInput(PageForm):
    """One of the saved cards, or `new` with what Stripe's form gave."""

    card = forms.CharField(
        max_length=64,
        validators=[RegexValidator(r"\A[A-Za-z0-9_]+\Z", "Choose one of the cards.")],
        error_messages={"required": "Choose a card, or enter a new one."},
    )
    new_card = forms.CharField(
        max_length=64, required=False, validators=[RegexValidator(r"\Apm_[A-Za-z0-9_]+\Z", "That is not a card.")]
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("card") == NEW and not said.get("new_card"):
            self.add_error("card", "Enter the card below. If you see no form there, your browser blocks it.")
        return said


def saved_cards(user: User) -> list[PaymentMethod]:
    """Somebody's cards, the default one first."""
    return list(user.payment_methods.filter(detached_at=None).order_by("-is_default", "-created_at"))


def stripe_form() -> dict[str, Any]:
    """What a page with Stripe's form needs."""
    return {"stripe_js_url": settings.STRIPE_JS_URL, "stripe_key": settings.STRIPE_PUBLISHABLE_KEY}


class CardSetup(Page):
    """For the script beside Stripe's form: the secret with which the browser saves a card."""

    roles = (Role.STUDENT,)
    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"client_secret": cards.start_saving_card(user=self.user).client_secret})

    def ask_to_sign_in(self) -> HttpResponse:
        return JsonResponse({"problem": "signed_out"}, status=401)


def ask_the_bank(request: HttpRequest, result: CheckedOut) -> HttpResponse | None:
    """Off to the page on which the bank asks, when it wants to; None when it does not."""
    if not result.requires_action:
        return None
    request.session[CONFIRMING] = {result.booking.pk: result.client_secret}
    return HttpResponseRedirect(to("confirm_payment", booking_id=result.booking.pk))


class ConfirmPayment(LessonPage, Act):
    """The bank asks (3-D Secure). Its answer is read back from Stripe, never believed from the browser."""

    template, title = "pages/lessons/confirm_payment.html", "Your bank wants to know"
    roles = (Role.STUDENT,)

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        content = self.content(**path)
        secret = request.session.get(CONFIRMING, {}).get(content["booking"].pk)
        if not secret:
            return HttpResponseRedirect(self.instead_url(**path))
        return self.page(secret=secret, **stripe_form(), **content)

    def instead_url(self, *, booking_id: str, **path: Any) -> str:
        waits = self.booking(booking_id).status == B.PENDING
        return to("checkout" if waits else "fix_payment", booking_id=booking_id)

    def operate(self, *, booking_id: str) -> CheckedOut:
        if self.booking(booking_id).status == B.PENDING:
            return operations.check_out(booking_id=booking_id, actor=self.actor, now=self.now)
        return operations.retry_payment(booking_id=booking_id, actor=self.actor, now=self.now)

    def done(self, result: CheckedOut) -> HttpResponse:
        if (question := ask_the_bank(self.request, result)) is not None:
            return question
        self.request.session.pop(CONFIRMING, None)
        return HttpResponseRedirect(to("lesson", booking_id=result.booking.pk))

    def ask_to_sign_in(self) -> HttpResponse:
        return Page.ask_to_sign_in(self)
