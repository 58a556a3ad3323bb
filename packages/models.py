"""What is sold by the price list at Stripe, who bought it, and the lessons that it is still good for."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from catalog.models import Service
from common.ids import ULID_LENGTH, new_id
from payments.models import Payment


class PackageProduct(models.Model):
    """Which product at Stripe is sold for which kind of lesson. Names and amounts live there, never here."""

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    service_type = models.SlugField(max_length=60, unique=True, help_text="The kind of lesson: piano, spanish, …")
    stripe_product_id = models.CharField(max_length=64, unique=True, help_text="prod_… at Stripe")
    services = models.ManyToManyField(
        Service, blank=True, related_name="package_products", help_text="Whose lessons may be bought at these prices"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["service_type"]

    def __str__(self) -> str:
        return self.service_type


class Package(models.Model):
    """One purchase: so many lessons with one instructor, charged to the card at once. All amounts are whole cents."""

    objects: ClassVar[models.Manager["Package"]] = models.Manager()

    class Status(models.TextChoices):
        AWAITING_PAYMENT = "awaiting_payment", "Awaiting payment"
        PAID = "paid", "Paid"
        DISPUTED = "disputed", "The bank is deciding a chargeback"
        CHARGED_BACK = "charged_back", "Chargeback lost"
        NOT_PAID = "not_paid", "Never paid"
        REFUSED = "refused", "Paid and refunded at once"

    class Source(models.TextChoices):
        SESSION = "create_session", "The draft first"
        PAYMENT_INTENT = "payment_intent", "The payment first"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    student = models.ForeignKey("accounts.User", models.PROTECT, related_name="packages")
    instructor = models.ForeignKey("accounts.User", models.PROTECT, related_name="packages_sold")
    service = models.ForeignKey(Service, models.PROTECT, related_name="packages")
    product = models.ForeignKey(PackageProduct, models.PROTECT, related_name="packages")
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="package")
    first_booking = models.ForeignKey(
        "bookings.Booking", models.PROTECT, null=True, blank=True, related_name="packages_told_here",
        help_text="In whose history this package's story is told",
    )  # fmt: skip
    source = models.CharField(max_length=16, choices=Source.choices)
    request_key = models.CharField(
        max_length=255, null=True, help_text="The request that made it, so that it is made once"
    )
    asked = models.JSONField(default=dict, help_text="The first lesson as it was asked for, until it is booked")

    price_id = models.CharField(max_length=64, help_text="price_… at Stripe")
    price_cents = models.PositiveIntegerField()
    lesson_count = models.PositiveSmallIntegerField()
    duration_minutes = models.PositiveSmallIntegerField()
    commission_bps = models.PositiveIntegerField(help_text="Frozen when it was bought")

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.AWAITING_PAYMENT)
    created_at = models.DateTimeField()
    pay_by = models.DateTimeField(help_text="Unpaid by then: given up")
    paid_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Lessons are good until then, unless extended")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was given up or refused")
    closed_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student", "request_key"], name="one_package_per_request"),
            models.CheckConstraint(
                condition=Q(lesson_count__gte=1, lesson_count__lte=100), name="package_has_1_to_100_lessons"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["paid", "disputed", "charged_back"]) | Q(paid_at__isnull=False),
                name="paid_package_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["pay_by"], condition=Q(status="awaiting_payment"), name="packages_to_give_up"),
            models.Index(fields=["student", "-created_at"], name="packages_of_student"),
        ]

    def __str__(self) -> str:
        return f"package {self.id}"


class Entitlement(models.Model):
    """One lesson of a package: its share of the price, and where it stands."""

    objects: ClassVar[models.Manager["Entitlement"]] = models.Manager()

    class Status(models.TextChoices):
        PENDING = "pending", "Its package is not paid yet"
        AVAILABLE = "available", "A lesson can be booked with it"
        BOOKED = "booked", "A lesson is booked with it"
        USED = "used", "Its lesson was given, or lost by the student"
        TO_REFUND = "to_refund", "Its money is on the way back to the card"
        REFUNDED = "refunded", "Its money went back to the card"
        FROZEN = "frozen", "By a chargeback"
        REVOKED = "revoked", "By a lost chargeback"
        EXPIRED = "expired", "Not used in time"
        VOID = "void", "Its package was never paid"

    id = models.CharField(primary_key=True, max_length=ULID_LENGTH, default=new_id, editable=False)
    package = models.ForeignKey(Package, models.PROTECT, related_name="entitlements")
    number = models.PositiveSmallIntegerField(help_text="From 1 on")
    price_cents = models.PositiveIntegerField(help_text="Its lesson's share of the price: LP")
    commission_cents = models.PositiveIntegerField(help_text="Of it, the instructor's commission: IF")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    late_used = models.BooleanField(default=False, help_text="Its one late cancellation or move was made")
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Used, refunded, expired, revoked or void since")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["package", "number"], name="entitlements_are_numbered"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "pending",
                        "available",
                        "booked",
                        "used",
                        "to_refund",
                        "refunded",
                        "frozen",
                        "revoked",
                        "expired",
                        "void",
                    ]  # fmt: skip
                ),
                name="entitlement_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "void"]) | Q(expires_at__isnull=False),
                name="paid_entitlement_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="available"), name="entitlements_to_expire"),
            models.Index(fields=["package"], condition=Q(status="to_refund"), name="entitlements_to_refund"),
        ]

    def __str__(self) -> str:
        return f"lesson {self.number} of {self.package_id}"

    @property
    def payout_cents(self) -> int:
        """P: what the instructor gets when the lesson is given."""
        return self.price_cents - self.commission_cents


# What we owe in lessons (the ledger's `packages_owed`).
OWED = (
    Entitlement.Status.AVAILABLE,
    Entitlement.Status.BOOKED,
    Entitlement.Status.TO_REFUND,
    Entitlement.Status.FROZEN,
)
