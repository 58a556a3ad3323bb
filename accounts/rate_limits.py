"""How many requests a minute, counted in PostgreSQL over all processes: per person, and per network address.

Anonymous callers are counted by their address alone. Who is logged in counts for themselves and, with a generous multiple,
for their address, so that many accounts behind one address do not add up without end.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.http import HttpRequest

from common import clock
from common.problems import RateLimited
from common.token_bucket import count_all

Scope = Literal["read", "write", "money", "login"]
WINDOW_SECONDS = 60
ADDRESS_MULTIPLE = 20  # of the limit of one person


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands in a window: what the RateLimit headers say (draft-ietf-httpapi-ratelimit-headers-10)."""

    scope: Scope
    limit: int
    used: int
    seconds_left: int

    def headers(self) -> dict[str, str]:
        """Such as `"read";q=120;w=60` and `"read";r=119;t=30`."""
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.scope}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.scope}";r={left};t={self.seconds_left}',
        }


def take(scope: Scope, *, who: str, address: str) -> Standing:
    """Count one request of somebody at an address (`who` may be the address itself).

    Raises RateLimited, with its `standing`, when it is one too many, of them or of their address.
    """
    limit = settings.RATE_LIMITS_PER_MINUTE[scope]
    mine, theirs = f"rate:{scope}:{who}", f"rate:{scope}:at:{address}"
    used = count_all([mine] if who == address else [mine, theirs], window_seconds=WINDOW_SECONDS)
    left = WINDOW_SECONDS - int(clock.system_now().timestamp()) % WINDOW_SECONDS
    standing = Standing(scope, limit, used[mine], left)
    if used[mine] > limit:
        raise _too_many(standing)
    if used.get(theirs, 0) > limit * ADDRESS_MULTIPLE:
        raise _too_many(Standing(scope, limit * ADDRESS_MULTIPLE, used[theirs], left))
    return standing


def refuse_if_too_many(scope: Scope, who: str) -> None:
    """Count one request of somebody, for doors that show no headers. Raises RateLimited."""
    take(scope, who=who, address=who)


def _too_many(standing: Standing) -> RateLimited:
    problem = RateLimited(
        f"At most {standing.limit} requests of this kind a minute.", retry_after=standing.seconds_left
    )
    problem.standing = standing  # type: ignore[attr-defined]  # for the headers of the answer
    return problem


def address_of(request: HttpRequest) -> str:
    """The caller's network address; behind a trusted proxy, what that proxy saw. Empty when that is none."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    said = str(request.META.get("REMOTE_ADDR", ""))
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        said = str(forwarded.rsplit(",", 1)[-1].strip())
    try:
        address = ipaddress.ip_address(said)
    except ValueError:
        return ""
    return str(address)


def network_of(address: str) -> str:
    """An address as it is kept: without the part that says which machine (a /24, or a /48 of IPv6)."""
    if not address:
        return ""
    bits = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def login_of(request: HttpRequest, account: str) -> str:
    """Who tries to get into an account: this address as this person."""
    return f"{address_of(request)}:{hashlib.sha256(account.encode()).hexdigest()[:32]}"
