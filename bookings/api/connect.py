"""`payments/connect/…`: an instructor's account at Stripe, so that they can be paid."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from payments import connect
from payments.models import ConnectAccount

from . import inputs
from .base import BookingApi, IsInstructor


class UrlDocument(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="A page of Stripe's, to be used once and soon")


class AccountDocument(serializers.Serializer[ConnectAccount]):
    """What Stripe says of the account."""

    state = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField(help_text="What Stripe still wants to know, in words")
    deadline = serializers.DateTimeField(
        source="requirements_deadline", allow_null=True, help_text="What is missing by then is switched off"
    )
    stripe_account_id = serializers.CharField(allow_null=True)
    charges_enabled = serializers.BooleanField(help_text="Lessons can be booked")
    payouts_enabled = serializers.BooleanField(help_text="Money can go to the bank")
    details_submitted = serializers.BooleanField()
    requirements_due = serializers.ListField(child=serializers.CharField(), help_text="The same, in Stripe's names")
    read_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(tuple(connect.Onboarding)))
    def get_state(self, account: ConnectAccount) -> str:
        return connect.onboarding_of(account)

    def get_missing(self, account: ConnectAccount) -> list[str]:
        return connect.missing_in_words(account)


class Onboard(BookingApi):
    """Where to go to set up, or to go on setting up, the account."""

    permission_classes = (IsInstructor,)
    takes, answers = inputs.OnboardInput, UrlDocument
    operation_id = {"POST": "start_onboarding"}

    def post(self, request: Request) -> Response:
        home = f"{settings.SITE_URL}/"
        urls = {"return_url": home, "refresh_url": home, **self.body()}
        return Response(self.render({"url": connect.start_onboarding(instructor=self.user, **urls)}))


class Status(BookingApi):
    """The account as Stripe knows it now."""

    permission_classes = (IsInstructor,)
    answers = AccountDocument
    operation_id = {"GET": "read_connect_status"}

    def get(self, request: Request) -> Response:
        return Response(self.render(connect.read_account(instructor=self.user)))


class Dashboard(BookingApi):
    """The instructor's own dashboard at Stripe."""

    permission_classes = (IsInstructor,)
    answers = UrlDocument
    operation_id = {"POST": "open_dashboard"}

    def post(self, request: Request) -> Response:
        return Response(self.render({"url": connect.dashboard_url(instructor=self.user)}))
