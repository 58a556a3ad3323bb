"""The second factor: codes of an authenticator app. Support that moves money must have passed it."""

import time
from types import SimpleNamespace
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import encrypt
from django.contrib.sessions.backends.base import SessionBase

from common.problems import Problem

from .models import User


class SecondFactorRequired(Problem):
    """Support may not move money with a password alone."""

    status, code, title = 403, "second_factor_required", "This needs a second factor"
    remedy = "Set up an authenticator app at auth/authenticators/totp, then log in again with its code."


def must_pass(user: Any) -> bool:
    """Whether this person must have passed the second factor before they change anything."""
    return bool(isinstance(user, User) and user.may_move_money())


def passed(session: SessionBase | None, user: Any) -> bool:
    """Whether this session of this person has passed it."""
    if session is None:
        return False
    records = get_authentication_records(SimpleNamespace(session=session), user)
    return any(record.get("method") == "mfa" for record in records)


def record(session: SessionBase, user: User) -> None:
    """Say that this session of this person has passed it."""
    record_authentication(SimpleNamespace(session=session), user, method="mfa", type="totp")


def is_right(user: User, code: str) -> bool:
    """Whether this is the code of their app, or one of their recovery codes, and not used before."""
    return any(row.wrap().validate_code(code) for row in Authenticator.objects.filter(user=user).order_by("type"))


def has_app(user: User) -> bool:
    """Whether somebody has set up an authenticator app."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def enroll(user: User, secret: str) -> None:
    """Give somebody an authenticator with a known secret (base32): for sandbox people."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": encrypt(secret)})


def code_now(secret: str) -> str:
    """What an authenticator app with this secret (base32) shows now."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))
