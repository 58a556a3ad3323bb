"""What doors read of packages: the price list with whose lessons it is for, and what somebody bought."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet

from accounts.models import User
from catalog.models import Service
from common.actors import Role
from common.problems import NotFound

from .models import Entitlement, Package, PackageProduct
from .price_list import Offer, offers


@dataclass(frozen=True, slots=True)
class Sold:
    """Something that can be bought, and for whose lessons."""

    offer: Offer
    service_type: str
    services: Sequence[Service]


def for_sale() -> list[Sold]:
    """What can be bought, by kind of lesson and then from few lessons to many. Raises StripeUnavailable."""
    by_product: dict[str, list[Offer]] = defaultdict(list)
    products = list(PackageProduct.objects.filter(is_active=True).prefetch_related(Prefetch("services", _teachable())))
    for offer in offers() if products else []:
        by_product[offer.product_id].append(offer)
    return [
        Sold(offer, product.service_type, list(product.services.all()))
        for product in products
        for offer in sorted(by_product[product.stripe_product_id], key=lambda one: (one.lesson_count, one.amount_cents))
    ]


def _teachable() -> QuerySet[Service]:
    active = Service.objects.filter(is_active=True, instructor__user__is_active=True)
    return active.select_related("instructor__user").order_by("pk")


def packages_seen_by(user: User) -> QuerySet[Package]:
    """The packages somebody bought; those sold by an instructor; for support, everybody's."""
    counted = {
        f"{status}_count": Count("entitlements", filter=Q(entitlements__status=status))
        for status in (Entitlement.Status.AVAILABLE, Entitlement.Status.BOOKED, Entitlement.Status.USED)
    }
    lessons = Prefetch("entitlements", Entitlement.objects.order_by("number"))
    rows = Package.objects.select_related("payment", "student", "instructor", "service", "product")
    rows = rows.annotate(**counted).prefetch_related(lessons)
    match user.role:
        case Role.STUDENT:
            return rows.filter(student=user)
        case Role.STAFF:
            return rows
    return rows.none()


def package_seen_by(user: User, package_id: str) -> Package:
    """One package, whole. Raises NotFound: somebody else's is not there."""
    package = packages_seen_by(user).filter(pk=package_id).first()
    if package is None:
        raise NotFound("There is no such package.")
    return package
