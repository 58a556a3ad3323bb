"""Checkout, and mending a payment that failed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from bookings import operations
from bookings.models import Booking
from bookings.operations import CheckedOut
from bookings.policy import holds
from bookings.policy.windows import DAY_BEFORE, HALF_DAY_BEFORE, Window, window_of
from bookings.queries import price_of
from bookings.state_machine import BookingStatus as B
from common.actors import Role
from credits.queries import balance
from pages.door import to
from payments.vocabulary import PaymentStatus as S

from .actions import needs_money
from .cards import NEW, CardInput, ask_the_bank, saved_cards, stripe_form
from .changing import LessonForm


class CheckoutInput(CardInput):
    use_credit = forms.BooleanField(required=False, label="Use my credit")


class CardPage(LessonForm):
    """A form with which a lesson is paid."""

    roles = (Role.STUDENT,)
    scope = "money"

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        cards = saved_cards(self.user)
        chosen = self.typed.get("card") or next((card.pk for card in cards if card.is_default), NEW)
        return {**content, "cards": cards, "chosen_card": chosen, "new": NEW, **stripe_form()}

    def done(self, result: CheckedOut) -> HttpResponse:
        return ask_the_bank(self.request, result) or super().done(result)


class Checkout(CardPage):
    """Lesson, price, credits with their dates, when the card is held and charged, the three deadlines, the card."""

    template, title, form = "pages/lessons/checkout.html", "Check out", CheckoutInput

    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        booking = self.booking(path["booking_id"])
        if booking.status != B.PENDING:
            return HttpResponseRedirect(to("lesson", booking_id=booking.pk))
        return super().get(request, **path)

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        booking, said = content["booking"], self.typed
        wallet = balance(user_id=self.user.pk, now=self.now)
        uses_credit = "use_credit" in said if said else wallet.available_cents > 0
        price = price_of(booking, requested_credit_cents=wallet.available_cents if uses_credit else 0, now=self.now)
        return {
            **content,
            "price": price,
            "uses_credit": uses_credit,
            "wallet": wallet,
            "usable_cents": min(wallet.available_cents, price.lesson_price_cents),
            "lots": [lot for lot in wallet.lots if lot.status == "available"],
            "is_now": window_of(starts_at=booking.starts_at, now=self.now) is not Window.FREE,
            "held_at": holds.hold_due_at(booking.starts_at),
            "charged_at": holds.capture_due_at(booking.ends_at),
            "free_until": booking.starts_at - DAY_BEFORE,
            "credit_until": booking.starts_at - HALF_DAY_BEFORE,
            "kept_until": (booking.payment.auth_first_attempted_at or booking.created_at) + holds.PENDING_LIMIT,
            "slot_is_lost": not booking.holds_slot,
            "again_url": again_url(booking),
        }

    def operate(self, *, booking_id: str, use_credit: bool, **card: Any) -> CheckedOut:
        content = balance(user_id=self.user.pk, now=self.now)
        return operations.check_out(
            booking_id=booking_id,
            actor=self.actor,
            payment_method_id=card["new_card"] if card["card"] == NEW else card["card"],
            requested_credit_cents=content.available_cents if use_credit else 0,
            now=self.now,
        )

    def done(self, result: CheckedOut) -> HttpResponse:
        if not result.requires_action:
            messages.success(self.request, f"Booked. {result.booking.instructor.first_name} knows about it.")
        return super().done(result)


class FixPayment(CardPage):
    """The card failed, or another one is wanted: pay with this one."""

    template, title, form = "pages/lessons/fix_payment.html", "Fix the payment", CardInput

    def content(self, **path: Any) -> dict[str, Any]:
        content = super().content(**path)
        payment = content["booking"].payment
        current = next((card for card in content["cards"] if card.stripe_id == payment.payment_method_id), None)
        is_due = needs_money(content["booking"])
        if not self.typed and current and not is_due:
            content["chosen_card"] = current.pk
        return {
            **content,
            "is_due": is_due,
            "current": current,
            "may_change": is_due or payment.status == S.SCHEDULED,
            "owed_cents": payment.card_amount_cents,
            "gives_up_at": payment.auth_cancel_at if content["booking"].status == B.CONFIRMED else None,
            "title": self.title if is_due else "Use another card",
        }

    def operate(self, *, booking_id: str, card: str, new_card: str) -> CheckedOut:
        method = new_card if card == NEW else card
        return operations.change_payment_method(
            booking_id=booking_id, actor=self.actor, payment_method_id=method, now=self.now
        )

    def done(self, result: CheckedOut) -> HttpResponse:
        if not result.requires_action:
            messages.success(self.request, "Done. Your lesson is safe with this card.")
        return super().done(result)


def again_url(booking: Booking) -> str:
    """Where the same lesson can be booked at another time."""
    choice = f"service={booking.service_id}&minutes={booking.duration_minutes}&where={booking.location_type}"
    return f"{to('choose_time', instructor_id=booking.instructor_id)}?{choice}"
