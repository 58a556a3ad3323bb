"""What can be bought: products and prices as Stripe has them. Amounts are read there and never typed here."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from catalog.models import Service
from common.problems import NotFound, Refused, StripeUnavailable
from payments import gateway

from .models import PackageProduct

REMEMBERED_SECONDS = 60  # a list may be so old; what is bought is always read anew
MOST_LESSONS, LONGEST_MINUTES = 100, 720
CACHE_KEY = "packages:prices"


class PriceNotForSale(Refused):
    """The price exists no more, is switched off, or does not say which lessons it is for."""

    code, title = "price_not_for_sale", "This price is no longer offered"
    remedy = "Read the packages again and choose one of them."


class PriceNotForThisService(Refused):
    code, title = "price_not_for_service", "This price is not offered for this instructor's lessons"
    remedy = "Choose one of the services that the package names."


@dataclass(frozen=True, slots=True)
class Offer:
    """A price at Stripe: so many lessons of so many minutes, for so many cents in all."""

    product_id: str
    price_id: str
    name: str
    description: str
    label: str
    amount_cents: int
    lesson_count: int
    duration_minutes: int


def read_offer(price: dict[str, Any]) -> Offer | None:
    """What a price at Stripe offers; None when it is not one of ours to sell: inactive, recurring, or not saying what for.

    Its metadata says `lessons` and `minutes` (of each).
    """
    product, says = price["product"], price.get("metadata") or {}
    if not isinstance(product, dict) or not (price["active"] and product.get("active")):
        return None
    if price["type"] != "one_time" or price["currency"] != "usd" or not price.get("unit_amount"):
        return None
    lessons, minutes = (says.get(name, "") for name in ("lessons", "minutes"))
    if not (lessons.isdecimal() and minutes.isdecimal()):
        return None
    if not (1 <= int(lessons) <= MOST_LESSONS and 1 <= int(minutes) <= LONGEST_MINUTES):
        return None
    return Offer(
        product_id=product["id"],
        price_id=price["id"],
        name=product.get("name") or "",
        description=product.get("description") or "",
        label=price.get("nickname") or "",
        amount_cents=price["unit_amount"],
        lesson_count=int(lessons),
        duration_minutes=int(minutes),
    )


def offers() -> list[Offer]:
    """Everything on the price list at Stripe, up to a minute old. Raises StripeUnavailable."""
    known: list[Offer] | None = cache.get(CACHE_KEY)
    if known is None:
        try:
            found = [read_offer(price) for price in gateway.prices()]
        except (gateway.OutcomeUnknown, gateway.Declined) as error:
            raise StripeUnavailable("The price list cannot be read just now.") from error
        known = [offer for offer in found if offer]
        cache.set(CACHE_KEY, known, REMEMBERED_SECONDS)
    return known


def offer_for(*, price_id: str, service: Service) -> tuple[Offer, PackageProduct]:
    """A price as Stripe has it this moment, and the product of ours that sells it for this service.

    Raises NotFound for a price Stripe does not know, PriceNotForSale, PriceNotForThisService or StripeUnavailable.
    """
    try:
        offer = read_offer(gateway.price(price_id))
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise NotFound("There is no such price.") from refusal
    product = (
        PackageProduct.objects.filter(stripe_product_id=offer.product_id, is_active=True).first() if offer else None
    )
    if offer is None or product is None:
        raise PriceNotForSale()
    if not product.services.filter(pk=service.pk).exists():
        raise PriceNotForThisService()
    return offer, product
