"""Instructors' connected accounts: onboarding on Stripe's pages, and what Stripe says of them."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from common import clock
from common.ids import new_id
from common.problems import Refused, StripeFailed, StripeUnavailable

from . import gateway
from .models import ConnectAccount


class NotOnboarded(Refused):
    code, title = "not_onboarded", "Start Stripe's onboarding first"
    remedy = "Start with `payments/connect/onboard`."


def start_onboarding(*, instructor: User, return_url: str, refresh_url: str) -> str:
    """The address of Stripe's onboarding page; resumable: asking again continues where it was left.

    Raises StripeUnavailable or StripeFailed.
    """
    account, _ = ConnectAccount.objects.get_or_create(instructor=instructor)
    try:
        if account.stripe_account_id is None:
            created = gateway.create_account(email=instructor.email, user_id=instructor.pk)
            account.stripe_account_id = created["id"]
            account.save(update_fields=["stripe_account_id"])
        link = gateway.create_account_link(
            account_id=account.stripe_account_id,
            return_url=return_url,
            refresh_url=refresh_url,
            key=f"account_link:{new_id()}",  # a link is used once: every asking makes a new one
        )
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    return str(link["url"])


def read_account(*, instructor: User) -> ConnectAccount:
    """An instructor's account, read back from Stripe. Raises StripeUnavailable or StripeFailed."""
    account, _ = ConnectAccount.objects.get_or_create(instructor=instructor)
    if account.stripe_account_id:
        note_account(account.stripe_account_id, now=clock.now())
        account.refresh_from_db()
    return account


def note_account(stripe_account_id: str, *, now: datetime) -> bool:
    """Read an account from Stripe and remember what it may do; False when it is nobody's here."""
    try:
        fields = gateway.account(stripe_account_id)
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    with transaction.atomic():
        account = ConnectAccount.objects.select_for_update().filter(stripe_account_id=stripe_account_id).first()
        if account is None:
            return False
        account.charges_enabled = fields["charges_enabled"]
        account.payouts_enabled = fields["payouts_enabled"]
        account.details_submitted = fields["details_submitted"]
        account.requirements_due = (fields.get("requirements") or {}).get("currently_due") or []
        account.read_at = now
        account.save()
    return True


def dashboard_url(*, instructor: User) -> str:
    """A one-time address of the instructor's Stripe dashboard. Raises NotOnboarded, StripeUnavailable or StripeFailed."""
    account = ConnectAccount.objects.filter(instructor=instructor).first()
    if account is None or not account.stripe_account_id or not account.details_submitted:
        raise NotOnboarded()
    try:
        link = gateway.create_login_link(account_id=account.stripe_account_id, key=f"login_link:{new_id()}")
    except gateway.OutcomeUnknown as unknown:
        raise StripeUnavailable() from unknown
    except gateway.Declined as refusal:
        raise StripeFailed(refusal.message) from refusal
    return str(link["url"])
