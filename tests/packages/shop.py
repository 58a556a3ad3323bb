"""Buying by the price list, as a browser does it, and what one wants to know of a package afterwards."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bookings import operations
from bookings.models import Booking
from bookings.operations import Session, upkeep
from packages.models import Entitlement, Package, PackageProduct
from payments import gateway, ledger, webhook_inbox
from payments.gateway import client
from payments.models import StripeEventInbox
from tests.support.cast import HOUR, Cast, soon

DAY = 24 * HOUR
PRICES = {1: 12_000, 3: 30_001, 5: 50_000}  # cents, for so many lessons of an hour
GOOD, FAILING, SECURE = "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"


@dataclass
class Shop:
    """A price for one lesson, for three and for five, of the instructor's first service."""

    cast: Cast
    product: PackageProduct
    price_of: dict[int, str]

    def wanting(self, lessons: int, starts_at: datetime, **other: Any) -> dict[str, Any]:
        """What is asked for: a price, a service, a time and a place."""
        return {
            "price_id": self.price_of[lessons],
            "service_id": self.cast.instructor.services[0].pk,
            "starts_at": starts_at,
            "location_type": "online",
            **other,
        }

    def session(
        self, lessons: int, *, now: datetime, hours: float = 48, starts_at: datetime | None = None, **other: Any
    ) -> Session:
        wanted = self.wanting(lessons, starts_at or soon(hours), **other)
        return operations.create_session(actor=self.cast.as_student, now=now, **wanted)

    def bought(self, lessons: int, *, now: datetime, hours: float = 48, **other: Any) -> Package:
        """A package that is paid, its first lesson booked."""
        session = self.session(lessons, now=now, hours=hours, **other)
        pay(session)
        assert told(now, "payment_intent.succeeded") == ["succeeded"]
        assert session.package
        return Package.objects.get(pk=session.package.pk)


def open_shop(cast: Cast) -> Shop:
    product = gateway.create_product(
        name="Piano lessons",
        description="An hour each",
        prices=[
            {"amount_cents": cents, "nickname": f"{count} lessons", "metadata": {"lessons": count, "minutes": 60}}
            for count, cents in PRICES.items()
        ],
        key=f"shop:{cast.student.user.pk}",
    )
    ours = PackageProduct.objects.create(service_type="piano", stripe_product_id=product["id"])
    ours.services.add(cast.instructor.services[0])
    made = {price["metadata"]["lessons"]: price["id"] for price in gateway.prices(product=product["id"])}
    return Shop(cast, ours, {int(count): price for count, price in made.items()})


def pay(session: Session, card: str = GOOD) -> str:
    """The browser confirms with a card; returns the intent's status, or why it was declined."""
    try:
        return confirm(session.payment_intent_id, card)
    except gateway.Declined as refusal:
        return refusal.code


def confirm(intent: str, card: str) -> str:
    answer = gateway.confirm_intent(intent, params={"payment_method": card}, key="")
    return str(answer["status"])


def told(now: datetime, *types: str) -> list[str]:
    """Stripe's events of these types come in, twice, and are worked through; returns what became of each that was new."""
    page = client().v1.events.list(params={"types": list(types), "limit": 50})
    results = []
    for event in reversed([event._to_dict_recursive() for event in page.data]):
        if (event["data"]["object"].get("metadata") or {}).get("purpose") == "platform_float":
            continue
        for _ in range(2):
            with transaction.atomic():
                webhook_inbox.store(event)
        if StripeEventInbox.objects.get(pk=event["id"]).processed_at is None:
            results.append(upkeep.handle_stripe_event(event["id"], now))
            StripeEventInbox.objects.filter(pk=event["id"]).update(processed_at=None)
            upkeep.handle_stripe_event(event["id"], now)  # as if it had come again, past the inbox
    return results


def states(package: Package | Session) -> dict[str, int]:
    """How many of its lessons are where."""
    pk = package.session_id if isinstance(package, Session) else package.pk
    return dict(Counter(Entitlement.objects.filter(package=pk).values_list("status", flat=True)))


def purchase(package: Package | Session) -> dict[str, Any]:
    """The purchase's money as the database has it."""
    pk = package.session_id if isinstance(package, Session) else package.pk
    package = Package.objects.select_related("payment").get(pk=pk)
    p = package.payment
    return {
        "package": package.status,
        "payment": p.status,
        "outcome": p.settlement_outcome,
        "charged": p.card_charged_cents,
        "refunded": p.refunded_to_card_cents,
    }


def owed() -> int:
    """What we owe in lessons, by the ledger."""
    return -ledger.balance_of(ledger.PACKAGES_OWED)


def intent_status(session: Session) -> str:
    return str(gateway.intent(session.payment_intent_id)["status"])


def lessons_of(package: Package) -> list[Booking]:
    rows = Booking.objects.filter(payment__entitlement__package=package).select_related("payment")
    return list(rows.order_by("created_at", "pk"))


def book(shop: Shop, package: Package, starts_at: datetime, *, now: datetime, **other: Any) -> Booking:
    """The next lesson of a package."""
    return operations.book_with_package(
        package_id=package.pk,
        actor=shop.cast.as_student,
        service_id=package.service_id,
        starts_at=starts_at,
        duration_minutes=60,
        location_type="online",
        now=now,
        **other,
    ).booking
