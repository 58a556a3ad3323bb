"""Access and refresh tokens: what they are good for ends with the session they belong to.

Every login opens a session, a row in the database. An access token names its session and is refused without it, so that
logging out, ending a session elsewhere, changing the password or shutting somebody out ends their tokens at once.
"""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, cast

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy, internal
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from rest_framework.exceptions import AuthenticationFailed

from common import clock
from common.problems import Problem

from .models import User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class TokenNotValid(Problem):
    """Expired, spent, or its session has ended. A refresh token that was used twice ends its session."""

    status, code, title = 401, "token_not_valid", "This token is expired, used or not one of ours"
    remedy = "Log in again."


class BearerAuthentication(JWTTokenAuthentication):
    """`Authorization: Bearer <access token>`; `request.auth` is the session the token belongs to."""

    def authenticate_credentials(self, key: str) -> tuple[User, SessionBase]:
        valid = internal.validate_access_token(key)
        if valid is None or valid.session is None:
            raise AuthenticationFailed("This token is expired, its session has ended, or it is not one of ours.")
        return cast(User, valid.user), valid.session


class Strategy(JWTTokenStrategy):
    """allauth's tokens, with a refresh token that works once however many arrive at the same instant."""

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        payload = internal.decode_token(refresh_token, "refresh")
        key = internal.session_key_from_sid(payload["sid"]) if payload else None
        if payload is None or not key:
            return None
        with transaction.atomic():
            if not lock_session(key):
                return None
            pair: tuple[str, str] | None = super().refresh_token(refresh_token)
            if pair is None:  # rightly signed, and spent: its owner or a thief has the other one
                end_session(key)
                return None
            UserSession.objects.filter(session_key=key).update(last_seen_at=clock.system_now())
            return pair


def issue(user: User, session_token: str) -> tuple[str, str]:
    """A new access and refresh token for somebody's session."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_token)
    access = internal.create_access_token(user, session, {})
    refresh = internal.create_refresh_token(user, session)
    session.save()
    return access, refresh


def lock_session(key: str) -> bool:
    """Let nobody else work on this session until the transaction ends; False when it has ended."""
    rows = Session.objects.select_for_update().filter(session_key=key, expire_date__gt=clock.system_now())
    return rows.first() is not None


def stashed_user_id(session_token: str) -> str | None:
    """Whose login goes on with this session token: they have shown a password, and nothing else yet."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_token)
    login = session.get(LOGIN_SESSION_KEY)
    user_id = login.get("user_pk") if isinstance(login, dict) else None
    return str(user_id) if user_id else None


def end_session(key: str) -> None:
    """End a session and its tokens."""
    UserSession.objects.filter(session_key=key).delete()
    Session.objects.filter(session_key=key).delete()


def end_sessions_of(user: User, *, but: str | None = None) -> int:
    """End all sessions of somebody, or all but one; returns how many there were."""
    mine = UserSession.objects.filter(user=user).exclude(session_key=but or "")
    keys = list(mine.values_list("session_key", flat=True))
    mine.delete()
    Session.objects.filter(session_key__in=keys).delete()
    return len(keys)


def purge(system_now: datetime) -> int:
    """Forget sessions that are over; returns how many."""
    over = Session.objects.filter(expire_date__lte=system_now)
    UserSession.objects.filter(session_key__in=over.values("session_key")).delete()
    return over.delete()[0]


def access_token_for(user: User, *, second_factor: bool = False, lifetime: timedelta | None = None) -> str:
    """Open a session for somebody without asking for anything, and return its access token: for scripts and tests."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    now = clock.system_now()
    methods: list[dict[str, Any]] = [{"method": "password", "at": now.timestamp()}]
    if second_factor:
        methods.append({"method": "mfa", "at": now.timestamp(), "type": "totp"})
    session.update(
        {
            SESSION_KEY: user.pk,
            BACKEND_SESSION_KEY: BACKEND,
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            AUTHENTICATION_METHODS_SESSION_KEY: methods,
            _AUTHENTICATION_METHODS_USER_SESSION_KEY: user.pk,
        }
    )
    if lifetime:
        session.set_expiry(lifetime)
    session.create()
    seconds = int(lifetime.total_seconds()) if lifetime else settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN
    sid = internal.session_key_to_sid(str(session.session_key))
    return str(internal.create_token("access", sub=user.pk, sid=sid, expires_in=seconds)[0])
