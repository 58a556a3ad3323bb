"""The demo's price list: products and prices in the Stripe sandbox, connected to the demo people's lessons."""

from packages.models import PackageProduct
from payments import gateway

from .people import Person

CENTS = {1: 12_000, 5: 55_000, 10: 100_000}  # for so many lessons of an hour
LABELS = {1: "One lesson", 5: "Five lessons", 10: "Ten lessons"}


def open_price_list(teachers: dict[str, Person]) -> list[PackageProduct]:
    """A product with its prices for each kind of lesson, sold for that person's first service."""
    made = []
    for service_type, teacher in teachers.items():
        product = gateway.create_product(
            name=f"{service_type.capitalize()} lessons",
            description="Lessons of an hour, one by one or in a package",
            prices=[
                {"amount_cents": cents, "nickname": LABELS[count], "metadata": {"lessons": count, "minutes": 60}}
                for count, cents in CENTS.items()
            ],
            key=f"demo:{teacher.user.pk}:{service_type}",
        )
        ours = PackageProduct.objects.create(service_type=service_type, stripe_product_id=product["id"])
        ours.services.add(teacher.services[0])
        made.append(ours)
    return made
