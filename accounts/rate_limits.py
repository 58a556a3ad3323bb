"""How many requests a minute, counted over all processes."""

import hashlib
from typing import Literal

from django.conf import settings
from django.http import HttpRequest

from common import clock
from common.problems import RateLimited
from common.token_bucket import count

Scope = Literal["read", "write", "money", "login"]
WINDOW_SECONDS = 60


def refuse_if_too_many(scope: Scope, who: str) -> None:
    """Count one request of somebody. Raises RateLimited, with the seconds to wait, when it is one too many."""
    limit = settings.RATE_LIMITS_PER_MINUTE[scope]
    if count(f"rate:{scope}:{who}", window_seconds=WINDOW_SECONDS) > limit:
        wait = WINDOW_SECONDS - int(clock.system_now().timestamp()) % WINDOW_SECONDS
        raise RateLimited(f"At most {limit} requests of this kind a minute.", retry_after=wait)


def address_of(request: HttpRequest) -> str:
    """The caller's network address; behind a trusted proxy, what that proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return str(forwarded.rsplit(",", 1)[-1].strip()[:64])
    return str(request.META.get("REMOTE_ADDR", ""))


def login_of(request: HttpRequest, email: str) -> str:
    """Who tries to log in: this address as this person."""
    return f"{address_of(request)}:{hashlib.sha256(email.encode()).hexdigest()[:32]}"
