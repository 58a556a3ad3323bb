"""`admin/audit`: who called what, for support that may see money."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.audit_trail import AuditEntry
from accounts.fields import InstantField, TextOrNull
from common.actors import Door

from .base import LatestFirst, ListView
from .inputs import Input


class MaySeeMoney(BasePermission):
    """Support with the permission `view_financials`."""

    message = "This is for support staff who may see everybody's money."
    who = "staff with `view_financials`"

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        is_staff = bool(user.is_authenticated and user.role == "staff")
        return is_staff and user.has_perm("accounts.view_financials")


class AuditFilters(Input):
    """What the trail may be narrowed to."""

    actor = serializers.CharField(max_length=40, required=False, help_text="Id of a person, name of a job")
    object = serializers.CharField(max_length=80, required=False, help_text="Id of what was worked on")
    operation = serializers.CharField(max_length=80, required=False)
    door = serializers.ChoiceField(tuple(Door), required=False)
    code = serializers.CharField(max_length=60, required=False, help_text="Of the problem it was refused with")
    to = InstantField(required=False, help_text="Before this instant")

    def get_fields(self) -> dict[str, Any]:
        first = InstantField(required=False, help_text="At this instant or later")
        return {"from": first, **super().get_fields()}  # `from` is a word of Python


class AuditDocument(serializers.Serializer[AuditEntry]):
    """One request, run of a job, or the beginning of one."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    phase = serializers.CharField(help_text="`answered`, or `begun` where money may move")
    door = serializers.CharField()
    operation = serializers.CharField()
    object_id = TextOrNull()
    actor_role = TextOrNull()
    actor_id = TextOrNull()
    status = serializers.IntegerField(allow_null=True)
    code = TextOrNull()
    request_id = TextOrNull()
    network = TextOrNull()


class LatestEntries(LatestFirst):
    ordering = ("-at", "-id")


class AuditTrail(ListView):
    """Who called what, by which door, and what they were told; the latest first."""

    permission_classes = (MaySeeMoney,)
    filters, answers, pagination_class = AuditFilters, AuditDocument, LatestEntries
    operation_id = {"GET": "read_audit_trail"}

    def rows(self, **asked: Any) -> QuerySet[AuditEntry]:
        names = {"actor": "actor_id", "object": "object_id", "from": "at__gte", "to": "at__lt"}
        return AuditEntry.objects.filter(**{names.get(name, name): value for name, value in asked.items()})
