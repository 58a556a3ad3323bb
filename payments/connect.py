"""Instructors' connected accounts: onboarding on Stripe's pages, and what Stripe says of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

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
        if account.read_at and account.read_at > now:
            return True  # somebody has read it since: what we hold may be older
        account.charges_enabled = fields["charges_enabled"]
        account.payouts_enabled = fields["payouts_enabled"]
        account.details_submitted = fields["details_submitted"]
        asked = fields.get("requirements") or {}
        account.requirements_due = _in_order([*(asked.get("past_due") or []), *(asked.get("currently_due") or [])])
        account.disabled_reason = (asked.get("disabled_reason") or "")[:80]
        account.requirements_deadline = _instant(asked.get("current_deadline"))
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


class Onboarding(StrEnum):
    """How far an instructor is on their way to be paid."""

    NOT_STARTED = "not_started"
    PENDING = "pending"  # not finished, or Stripe is looking at it
    COMPLETED = "completed"
    RESTRICTED = "restricted"  # Stripe has switched something off until it gets what is missing


WAITING = ("requirements.pending_verification", "under_review")
MISSING = (  # the first that a requirement begins with
    ("external_account", "A bank account for your payouts"),
    ("individual.dob", "Your date of birth"),
    ("individual.first_name", "Your first name"),
    ("individual.last_name", "Your last name"),
    ("individual.ssn_last_4", "The last four digits of your social security number"),
    ("individual.id_number", "Your social security number"),
    ("individual.address", "Your address"),
    ("individual.email", "Your e-mail address"),
    ("individual.phone", "Your phone number"),
    ("individual.verification", "A photo of your identity document"),
    ("individual", "Something about you"),
    ("business_profile.mcc", "What kind of business you are"),
    ("business_profile.url", "A website, or a description of what you teach"),
    ("business_profile.product_description", "A description of what you teach"),
    ("business_profile", "Something about your business"),
    ("business_type", "Whether you teach as a person or as a company"),
    ("tos_acceptance", "Your consent to Stripe's terms"),
    ("company", "Something about your company"),
    ("owners", "Who owns your company"),
    ("representative", "Who represents your company"),
)


def onboarding_of(account: ConnectAccount) -> Onboarding:
    """How far it is, by what was last read from Stripe."""
    if not account.stripe_account_id:
        return Onboarding.NOT_STARTED
    if account.charges_enabled and account.payouts_enabled:
        return Onboarding.COMPLETED
    if not account.details_submitted or account.disabled_reason in WAITING or not account.disabled_reason:
        return Onboarding.PENDING
    return Onboarding.RESTRICTED


def missing_in_words(account: ConnectAccount) -> list[str]:
    """What Stripe still wants to know, each thing once."""
    return _in_order(_words(requirement) for requirement in account.requirements_due)


def _words(requirement: str) -> str:
    found = next((words for start, words in MISSING if requirement.startswith(start)), None)
    return found or f"Something Stripe calls {requirement}"


def _in_order(words: Iterable[str]) -> list[str]:
    """Each once, as they came."""
    return list(dict.fromkeys(words))


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
