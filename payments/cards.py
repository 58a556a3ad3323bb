"""Students' saved cards: kept at Stripe for off-session use, with just enough here to recognise them."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from common import clock
from common.ids import new_id
from common.problems import NotFound, Refused, StripeFailed, StripeUnavailable

from . import gateway
from .models import PaymentMethod


class UnknownPaymentMethod(Refused):
    code, title = "unknown_payment_method", "There is no such card. Choose a saved one or enter a new one."
    remedy = "Choose one of `payments/methods`, or save the card first."
    status = 400


class CardRefusedToSave(Refused):
    code, title = "card_not_saved", "The card could not be saved"
    remedy = "Show `detail` and ask for another card."
    status = 402


class NoPaymentMethod(Refused):
    code, title = "payment_method_missing", "Save a card first, or name one with payment_method_id"
    remedy = "Save a card (`payments/setup-intent`) or name one in `payment_method_id`."


class CardInUse(Refused):
    code, title = (
        "payment_method_in_use",
        "An upcoming lesson will be charged to this card. Choose another card for it first.",
    )
    remedy = "Give the lesson another card first (`bookings/{id}/payment-method`)."


@dataclass(frozen=True, slots=True)
class CardSetup:
    setup_intent_id: str
    client_secret: str


def customer_of(user: User) -> str:
    """The Stripe customer of a person, created on first need."""
    if not user.stripe_customer_id:
        try:
            customer = gateway.create_customer(
                email=user.email, name=f"{user.first_name} {user.last_name}", user_id=user.pk
            )
        except gateway.OutcomeUnknown as unknown:
            raise StripeUnavailable() from unknown
        user.stripe_customer_id = customer["id"]
        user.save(update_fields=["stripe_customer_id"])
    return user.stripe_customer_id


def start_saving_card(*, user: User, booking_id: str = "", metadata: dict[str, str] | None = None) -> CardSetup:
    """A SetupIntent for the browser to save a card with. Raises StripeUnavailable."""
    customer = customer_of(user)
    key = f"setup:{new_id()}"  # saves a card and moves no money: every try is its own
    try:
        setup = gateway.create_setup_intent(
            customer=customer, key=key, metadata={**(metadata or {}), "booking": booking_id, "user": user.pk}
        )
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    return CardSetup(setup["id"], setup["client_secret"])


def save_card(*, user: User, payment_method_id: str, set_as_default: bool = False) -> PaymentMethod:
    """Attach a payment method to the person's customer and remember it. The first card is the default.

    Raises UnknownPaymentMethod, CardRefusedToSave or StripeUnavailable.
    """
    own = PaymentMethod.objects.filter(user=user, detached_at=None)
    saved = own.filter(stripe_id=payment_method_id).first() or own.filter(pk=payment_method_id).first()
    if saved is None:
        saved = _remember(user, _attach(user, payment_method_id))
    if set_as_default or not PaymentMethod.objects.filter(user=user, is_default=True, detached_at=None).exists():
        saved = make_default(user=user, method_id=saved.pk)
    return saved


def _attach(user: User, payment_method_id: str) -> gateway.Fields:
    customer = customer_of(user)
    known = PaymentMethod.objects.filter(user=user).count()
    try:
        method = None
        if not payment_method_id.startswith("pm_card_"):
            method = gateway.payment_method(payment_method_id)
        if method and method.get("customer") == customer:
            return method  # saved by the browser's SetupIntent
        if method and method.get("customer"):
            raise UnknownPaymentMethod()  # somebody else's
        return gateway.attach_payment_method(
            payment_method=payment_method_id, customer=customer, key=f"attach:{user.pk}:{payment_method_id}:{known}"
        )
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        if refusal.is_card:
            raise CardRefusedToSave(refusal.message, decline_code=refusal.decline_code) from refusal
        raise UnknownPaymentMethod() from refusal


def _remember(user: User, method: gateway.Fields) -> PaymentMethod:
    card = method.get("card") or {}
    saved, _ = PaymentMethod.objects.update_or_create(
        stripe_id=method["id"],
        defaults={
            "user": user,
            "brand": str(card.get("brand", ""))[:24],
            "last4": str(card.get("last4", "")),
            "exp_month": card.get("exp_month") or 1,
            "exp_year": card.get("exp_year") or 2000,
            "detached_at": None,
        },
    )
    return saved


def make_default(*, user: User, method_id: str) -> PaymentMethod:
    """Make a saved card the one that is charged when none is named. Raises NotFound."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        method = _own(user, method_id)
        PaymentMethod.objects.filter(user=user, is_default=True).exclude(pk=method.pk).update(is_default=False)
        method.is_default = True
        method.save(update_fields=["is_default"])
    return method


def remove_card(*, user: User, method_id: str) -> None:
    """Detach a saved card. Raises NotFound, CardInUse while an unpaid lesson counts on it, StripeUnavailable."""
    method = _own(user, method_id)
    waiting = user.payments.filter(
        payment_method_id=method.stripe_id, status__in=["scheduled", "authorized", "payment_method_required"]
    )
    if waiting.exclude(settlement_outcome__gt="").exists():
        raise CardInUse()
    try:
        gateway.detach_payment_method(payment_method=method.stripe_id, key=f"detach:{method.pk}")
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined:
        pass  # no longer attached at Stripe: that is what was wanted
    method.detached_at, method.is_default = clock.now(), False
    method.save(update_fields=["detached_at", "is_default"])


def _own(user: User, method_id: str) -> PaymentMethod:
    found = PaymentMethod.objects.filter(user=user, detached_at=None)
    method = found.filter(pk=method_id).first() or found.filter(stripe_id=method_id).first()
    if method is None:
        raise NotFound("There is no such card.")
    return method


def card_to_charge(*, user: User, payment_method_id: str | None) -> PaymentMethod:
    """The card named, by our id or Stripe's, saved first when it is new; or the default one.

    Raises NoPaymentMethod, UnknownPaymentMethod, CardRefusedToSave or StripeUnavailable.
    """
    if payment_method_id is None:
        method = PaymentMethod.objects.filter(user=user, is_default=True, detached_at=None).first()
        if method is None:
            raise NoPaymentMethod()
        return method
    own = PaymentMethod.objects.filter(user=user, pk=payment_method_id, detached_at=None).first()
    return own or save_card(user=user, payment_method_id=payment_method_id)
