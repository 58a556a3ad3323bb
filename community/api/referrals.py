"""`referrals`: students bring students."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.base import BookingApi, IsStudent, ListView, NewestFirst
from community.models import Referral
from community.operations import referrals
from community.queries import Earned, earned_by, referrals_of

from . import inputs
from .documents import CameDocument, RedeemedDocument


class ReferralsDocument(serializers.Serializer[Any]):
    """The caller's code, and what it has brought."""

    code = serializers.CharField(help_text="Others give it with referrals/redeem")
    reward_cents_each = serializers.IntegerField(help_text="Credit for the first paid lesson of each who came")
    came = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    reward_cents = serializers.IntegerField(help_text="In all, so far")


class MyReferrals(BookingApi):
    """The caller's own code and what it has brought."""

    permission_classes = (IsStudent,)
    answers = ReferralsDocument
    operation_id = {"GET": "read_referrals"}

    def get(self, request: Request) -> Response:
        code = referrals.code_of(student=self.user, now=self.now)
        earned: Earned = earned_by(self.user.pk)
        return Response(
            self.render(
                {
                    "code": code.code,
                    "reward_cents_each": referrals.REWARD_CENTS,
                    "came": earned.came,
                    "rewarded": earned.rewarded,
                    "reward_cents": earned.reward_cents,
                }
            )
        )


class WhoCame(ListView):
    """Who came by the caller's code, latest first."""

    permission_classes = (IsStudent,)
    answers, pagination_class = CameDocument, NewestFirst
    operation_id = {"GET": "list_referrals"}

    def rows(self) -> QuerySet[Referral]:
        return referrals_of(self.user.pk)


class Redeem(BookingApi):
    """Say by whose code one came, before one's first lesson."""

    permission_classes = (IsStudent,)
    takes, answers = inputs.RedeemInput, RedeemedDocument
    operation_id = {"POST": "redeem_referral"}

    def post(self, request: Request) -> Response:
        return Response(self.render(referrals.redeem(actor=self.actor, now=self.now, **self.body())))
