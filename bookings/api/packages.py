"""`packages…`, `payments/create-session`, `payments/payment-intent`: buying by the price list, and what one bought."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.fields import InstantField, ReasonField, TextOrNull, UlidField
from bookings import operations
from bookings.models import Booking
from catalog.models import Modality
from packages import queries
from packages.models import Package

from . import inputs
from .answers import BookingDocument, PersonDocument, ServiceDocument
from .base import BookingApi, IsStudent, LatestFirst, ListView, MayMoveMoney, MoneyView

MOST_LESSONS = 100


# --- What can be bought ----------------------------------------------------------------------------------------------
class OfferedServiceDocument(ServiceDocument):
    """Whose lessons a package is for."""

    instructor = PersonDocument(source="instructor.user")


class OfferDocument(serializers.Serializer[Any]):
    """A price on the price list, as Stripe has it."""

    price_id = serializers.CharField(source="offer.price_id")
    product_id = serializers.CharField(source="offer.product_id")
    name = serializers.CharField(source="offer.name")
    description = TextOrNull(source="offer.description")
    label = TextOrNull(source="offer.label")  # type: ignore[assignment]  # a declared field is no attribute of the class
    service_type = serializers.CharField()
    lesson_count = serializers.IntegerField(source="offer.lesson_count")
    duration_minutes = serializers.IntegerField(source="offer.duration_minutes", help_text="Of each lesson")
    amount_cents = serializers.IntegerField(
        source="offer.amount_cents", help_text="For all lessons. One lesson: its price, the student fee comes on top"
    )
    services = OfferedServiceDocument(many=True, help_text="Whose lessons it is for: name one when buying")


class OffersDocument(serializers.Serializer[Any]):
    results = OfferDocument(many=True)


class Offers(BookingApi):
    """What can be bought: one lesson or several, at the prices that Stripe has."""

    permission_classes = (AllowAny,)
    answers = OffersDocument
    operation_id = {"GET": "list_packages"}

    def get(self, request: Request) -> Response:
        viewer = self.user if request.user.is_authenticated else None
        document = OffersDocument({"results": queries.for_sale()}, context={"viewer": viewer})
        return Response(document.data)


# --- Buying ----------------------------------------------------------------------------------------------------------
class PriceIdField(serializers.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[A-Za-z0-9_]+\Z", max_length=64, **kwargs)


class PayFirstInput(inputs.StartInput):
    """Which price, whose lesson, and when the first one is."""

    price_id = PriceIdField(help_text="Stripe's, from `packages`")
    service_id = UlidField()
    ends_at = InstantField(required=False, default=None, help_text="Follows from the price; checked when given")
    location_type = serializers.ChoiceField(Modality.choices)
    address = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="Unless online")
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class SessionInput(PayFirstInput):
    more_starts_at = serializers.ListField(
        child=InstantField(),
        max_length=MOST_LESSONS - 1,
        default=list,
        help_text="When further lessons of a package are, if they are to be booked at once",
    )


class PurchaseSessionDocument(serializers.Serializer[Any]):
    """What the browser needs to pay, and what is held meanwhile."""

    session_id = serializers.CharField()
    package_id = serializers.CharField(
        source="package.pk", default=None, allow_null=True, help_text="Null for one lesson"
    )
    booking_ids = serializers.SerializerMethodField(help_text="Their times are held until pay_by")
    amount_cents = serializers.IntegerField(help_text="What the card pays in all")
    pay_by = serializers.DateTimeField()
    client_secret = serializers.CharField(help_text="Of the PaymentIntent or the SetupIntent")
    payment_intent_id = TextOrNull()
    setup_intent_id = TextOrNull(help_text="For one lesson a day away or more: the browser saves a card with it")

    def get_booking_ids(self, session: operations.Session) -> list[str]:
        return [booking.pk for booking in session.bookings]


class CreateSession(BookingApi):
    """Buy by the price list: the lessons are held while the browser pays. The webhook confirms them."""

    permission_classes = (IsStudent,)
    takes, answers, answer_status, write_scope = SessionInput, PurchaseSessionDocument, 201, "money"
    operation_id = {"POST": "create_session"}

    def post(self, request: Request) -> Response:
        made = operations.create_session(actor=self.actor, now=self.now, request_key=self.request_key, **self.body())
        return Response(self.render(made), status=self.answer_status)


class PayFirst(BookingApi):
    """Pay first: nothing is held, and the lesson is booked once it is paid, or the money goes back. For old clients."""

    permission_classes = (IsStudent,)
    takes, answers, answer_status, write_scope = PayFirstInput, PurchaseSessionDocument, 201, "money"
    deprecated = True
    operation_id = {"POST": "create_payment_intent"}

    def post(self, request: Request) -> Response:
        made = operations.pay_first(actor=self.actor, now=self.now, request_key=self.request_key, **self.body())
        return Response(self.render(made), status=self.answer_status)


# --- What one bought -------------------------------------------------------------------------------------------------
class EntitlementDocument(serializers.Serializer[Any]):
    """One lesson of a package."""

    id = serializers.CharField()
    number = serializers.IntegerField()
    status = serializers.CharField(help_text="pending, available, booked, used, refunded, …")
    price_cents = serializers.IntegerField()
    late_used = serializers.BooleanField(help_text="Its one late cancellation or move was made")
    expires_at = serializers.DateTimeField(allow_null=True)


class PackageDocument(serializers.Serializer[Package]):
    """A purchase and what it is still good for."""

    id = serializers.CharField()
    status = serializers.CharField(help_text="awaiting_payment, paid, disputed, charged_back, not_paid or refused")
    service = ServiceDocument()
    instructor = PersonDocument()
    price_id = serializers.CharField()
    price_cents = serializers.IntegerField()
    lesson_count = serializers.IntegerField()
    duration_minutes = serializers.IntegerField()
    available_count = serializers.IntegerField()
    booked_count = serializers.IntegerField()
    used_count = serializers.IntegerField()
    refunded_to_card_cents = serializers.IntegerField(source="payment.refunded_to_card_cents")
    created_at = serializers.DateTimeField()
    pay_by = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    closed_reason = TextOrNull()
    entitlements = EntitlementDocument(many=True)


class NewestFirst(LatestFirst):
    ordering = ("-created_at", "-id")


class MyPackages(ListView):
    """The packages the caller bought, newest first, each with its lessons."""

    permission_classes = (IsStudent,)
    answers: ClassVar[type[serializers.Serializer[Any]]] = PackageDocument
    pagination_class = NewestFirst
    operation_id = {"GET": "list_my_packages"}

    def rows(self) -> QuerySet[Package]:
        return queries.packages_seen_by(self.user)


class OnePackage(BookingApi):
    """One package: its student's, or anybody's for support."""

    answers = PackageDocument
    operation_id = {"GET": "read_package"}

    def get(self, request: Request, package_id: str) -> Response:
        return Response(self.render(queries.package_seen_by(self.user, package_id)))


# --- Giving back -----------------------------------------------------------------------------------------------------
class RefundPackageInput(inputs.Input):
    lessons = serializers.IntegerField(
        min_value=1, max_value=MOST_LESSONS, required=False, allow_null=True, default=None, help_text="All when absent"
    )
    reason = ReasonField()


class PackageRefundedDocument(serializers.Serializer[Any]):
    package = PackageDocument()
    amount_cents = serializers.IntegerField(help_text="What goes back to the card by this refund")
    refund_id = serializers.CharField(help_text="Stripe's")


class _Refunding(BookingApi):
    takes, answers, write_scope = RefundPackageInput, PackageRefundedDocument, "money"

    def post(self, request: Request, package_id: str) -> Response:
        done = operations.refund_package(
            package_id=package_id, actor=self.actor, now=self.now, request_key=self.request_key, **self.body()
        )
        whole = queries.package_seen_by(self.user, package_id)
        answer = {"package": whole, "amount_cents": done.amount_cents, "refund_id": done.refund_id}
        return Response(self.render(answer))


class RefundPackage(_Refunding):
    """Refund lessons that can still be booked: each its share of the price, to the card."""

    permission_classes = (IsStudent,)
    operation_id = {"POST": "refund_package"}


class StaffRefundPackage(_Refunding):
    """Refund somebody's lessons that can still be booked, or what a refused package could not be sent back of."""

    permission_classes = (MayMoveMoney,)
    operation_id = {"POST": "staff_refund_package"}


class GiveBackInput(inputs.Input):
    reason = ReasonField()
    to_card = serializers.BooleanField(default=False, help_text="Its share of the price to the card, not the lesson")


class GiveLessonBack(MoneyView):
    """Give a used lesson of a package back: the instructor's pay is taken back, the student has the lesson or its money."""

    permission_classes = (MayMoveMoney,)
    takes, answers = GiveBackInput, BookingDocument
    operation_id = {"POST": "give_lesson_back"}

    def operate(self, **values: Any) -> Booking:
        return operations.give_lesson_back(actor=self.actor, now=self.now, **values)
