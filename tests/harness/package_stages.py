"""How a package gets to where an operation is due: bought, paid by the browser, its first lesson booked."""

from contextlib import suppress

from django.db import transaction

from bookings import operations
from catalog.booking_rules import next_quarter
from catalog.models import Service
from packages.models import PackageProduct
from payments import gateway, webhook_inbox
from payments.models import Payment

from . import stages as at
from .world import HOUR, Staged, World

LESSONS, CENTS = 3, 30_001
TYPE = "piano"


def _price(service: Service) -> str:
    """The price of three lessons; the world's price list is made on first need."""
    ours = PackageProduct.objects.filter(service_type=TYPE).first()
    if ours is None:
        product = gateway.create_product(
            name="Piano lessons",
            description="An hour each",
            prices=[{"amount_cents": CENTS, "nickname": "Three", "metadata": {"lessons": LESSONS, "minutes": 60}}],
            key=f"harness:{service.pk}",
        )
        ours = PackageProduct.objects.create(service_type=TYPE, stripe_product_id=product["id"])
        ours.services.add(service)
    return str(next(iter(gateway.prices(product=ours.stripe_product_id)))["id"])


def drafted(world: World, *, hours: float = 30) -> Staged:
    """A package nobody has paid yet, its first lesson a PENDING draft so many hours ahead."""
    now = world.begin()
    cast = world.cast(now)
    service = cast.instructor.services[0]
    starts_at = next_quarter(now + hours * HOUR + HOUR / 60)
    session = operations.create_session(
        actor=cast.as_student,
        price_id=_price(service),
        service_id=service.pk,
        starts_at=starts_at,
        location_type="online",
        now=now,
    )
    booking = session.bookings[0]
    world.taken_until(booking.ends_at + 10 * at.DAY)
    return Staged(world, cast, booking.pk, booking.payment_id, now, package_id=session.session_id)


def paid_by_browser(s: Staged, card: str = at.GOOD) -> Staged:
    """The browser confirmed the payment; we have not heard of it yet."""
    with suppress(gateway.Declined):
        gateway.confirm_intent(_intent(s), params={"payment_method": card}, key="")
    return s


def repriced(s: Staged) -> Staged:
    """Somebody changed the amount at Stripe before it was paid."""
    gateway.client().v1.payment_intents.update(_intent(s), params={"amount": 100})
    return s


def told_of_payment(s: Staged, kind: str) -> Staged:
    """Stripe's event about the payment is in the inbox."""
    for event in at.events((kind,)):
        if event["data"]["object"]["id"] == _intent(s):
            with transaction.atomic():
                webhook_inbox.store(event)
    return s


def _intent(s: Staged) -> str:
    return str(Payment.objects.get(pk=s.purchase_id).payment_intent_id)


def bought(world: World, *, hours: float = 30) -> Staged:
    """Paid: three lessons, the first of them booked."""
    return at.then(paid_by_browser(drafted(world, hours=hours)), "read_package_back")


def given(world: World) -> Staged:
    """The first lesson took place and its instructor was paid."""
    return at.then(bought(world), "capture", at.after_end(24))


def disputed(s: Staged) -> Staged:
    """The student's bank opens a dispute about the purchase."""
    charge = Payment.objects.get(pk=s.purchase_id).charge_id
    s.dispute_id = str(s.world.sandbox.control("POST", "disputes", charge=charge)["id"])
    return s
