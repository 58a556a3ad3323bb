"""People for sandbox mode, ready to book, teach or decide: with a saved card, credits, services, a connected account."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.hashers import get_hasher, make_password
from django.contrib.auth.models import Permission
from django.db import transaction

from accounts import second_factor
from accounts.models import User
from accounts.tokens import access_token_for
from catalog.models import InstructorProfile, Modality, Service, WeeklyHours
from catalog.tiers import grant_founding_place
from common.actors import Role
from common.ids import new_id
from common.problems import Problem
from credits.models import CreditLot
from credits.operations import issue
from payments import cards, connect, ledger
from payments.models import ConnectAccount, PaymentMethod

PASSWORD = "sandbox"  # noqa: S105  # printed on the page: sandbox mode has no secrets
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105  # of all support in sandbox mode, and never outside
TOKEN_LIFETIME = timedelta(days=3650)  # scripts turn the clock for years


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made for sandbox mode, with what a script needs to act as them."""

    user: User
    payment_method: PaymentMethod | None = None
    services: list[Service] = field(default_factory=list)
    stripe_account_id: str = ""


def make_person(
    *,
    role: Role,
    now: datetime,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    timezone: str = "America/New_York",
    card: str | None = None,
    credits: list[dict[str, Any]] | None = None,
    commission_bps: int | None = None,
    services: list[dict[str, Any]] | None = None,
    founding: bool = False,
    connected: bool = True,
    superuser: bool = False,
) -> Person:
    """Create a person. An instructor made so is free every hour of every day, also when asked overnight, and, when
    `connected`, ready to be paid.

    Raises a Problem for a card that cannot be saved; nobody is made then.
    """
    with transaction.atomic():
        user = User.objects.create_user(
            email=email or f"{role}-{new_id().lower()}@example.com",
            password=None,
            first_name=first_name or {"student": "Sam", "instructor": "Ina", "staff": "Sol"}[role],
            last_name=last_name or {"student": "Student", "instructor": "Instructor", "staff": "Support"}[role],
            role=role,
            timezone=timezone,
            is_staff=role is Role.STAFF,
            is_superuser=superuser,
        )
        user.password = _hashed(get_hasher().algorithm)
        user.save(update_fields=["password"])
        if role is Role.STAFF:
            money = Permission.objects.filter(codename__in=["view_financials", "manage_financials"])
            user.user_permissions.set(money)
            enroll(user)
    method = _save_card(user, card) if card else None
    with transaction.atomic():
        give_credits(user, credits or [], now=now)
        taught = _teach(user, services, commission_bps, founding, now) if role is Role.INSTRUCTOR else []
    account_id = _onboard(user) if role is Role.INSTRUCTOR and connected else ""
    return Person(user, method, taught, account_id)


def enroll(user: User) -> None:
    """Give somebody the authenticator that everybody of support has here. Raises RuntimeError outside sandbox mode."""
    if not settings.SANDBOX_MODE:
        raise RuntimeError("A second factor that everybody knows is for sandbox mode only.")
    second_factor.enroll(user, TOTP_SECRET)


def access_token(user: User) -> str:
    """A token that acts as somebody as if they had logged in, with the second factor, for years."""
    return access_token_for(user, second_factor=True, lifetime=TOKEN_LIFETIME)


@cache
def _hashed(hasher: str) -> str:
    """Everybody's password, hashed once by a hasher: hashing is slow on purpose, and here it protects nothing."""
    return make_password(PASSWORD, hasher=hasher)


def _save_card(user: User, card: str) -> PaymentMethod:
    """Save a card for somebody who was just made; when it is refused they are not made."""
    try:
        return cards.save_card(user=user, payment_method_id=card, set_as_default=True)
    except Problem:
        user.delete()
        raise


def give_credits(user: User, credits: list[dict[str, Any]], *, now: datetime) -> None:
    """Goodwill credits, each `{"amount_cents", "expires_at"?}`. Must run inside a transaction."""
    for number, credit in enumerate(credits):
        issued = issue(
            owner_id=user.pk,
            amount_cents=credit["amount_cents"],
            source=CreditLot.Source.GOODWILL,
            issue_key=f"sandbox:{user.pk}:{number}:{new_id()}",
            now=now,
            expires_at=credit.get("expires_at"),
        )
        for entry in issued.entries:
            ledger.post_credit(
                key=f"credit:{entry.pk}",
                kind=entry.kind,
                amount_cents=entry.amount_cents,
                promotional=True,
                at=now,
            )


def _teach(
    user: User, services: list[dict[str, Any]] | None, commission_bps: int | None, founding: bool, now: datetime
) -> list[Service]:
    profile = InstructorProfile.objects.create(
        user=user, overnight_protection=False, commission_bps=1500 if commission_bps is None else commission_bps
    )
    if founding:
        grant_founding_place(instructor=profile, now=now)
    WeeklyHours.objects.bulk_create(
        WeeklyHours(instructor=profile, weekday=weekday, starts=time(0), ends=time(0)) for weekday in range(7)
    )
    wanted = services or [{"name": "Piano", "hourly_rate_cents": 12000}]
    return [
        Service.objects.create(
            instructor=profile,
            name=service["name"],
            hourly_rate_cents=service["hourly_rate_cents"],
            durations=service.get("durations") or [30, 45, 60, 90, 120],
            modalities=service.get("modalities") or list(Modality.values),
        )
        for service in wanted
    ]


def _onboard(user: User) -> str:
    """Through Stripe's hosted onboarding, as the sandbox finishes it for those who cannot click."""
    connect.start_onboarding(
        instructor=user, return_url=f"{settings.SITE_URL}/sandbox/", refresh_url=f"{settings.SITE_URL}/sandbox/"
    )
    account_id = ConnectAccount.objects.get(instructor=user).stripe_account_id or ""
    answer = httpx.post(f"{settings.STRIPE_API_BASE}/_sandbox/accounts/{account_id}/onboard", json={}, timeout=30)
    answer.raise_for_status()
    connect.read_account(instructor=user)
    return account_id
