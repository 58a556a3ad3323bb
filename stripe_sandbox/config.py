"""What the sandbox is told when it starts."""

from dataclasses import dataclass, field
from pathlib import Path

PLATFORM_ID = "acct_1SandboxPlatform0000"
APPLICATION_ID = "ca_SandboxApplication000000000000"


@dataclass(frozen=True)
class Endpoint:
    """A webhook endpoint that exists from the start."""

    url: str
    secret: str
    connect: bool


@dataclass(frozen=True)
class Config:
    """Settings; amounts in cents, times in seconds of the sandbox clock unless said otherwise."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 12111
    secret_key: str = "sk_test_sandbox00000000000000000"  # noqa: S105 - the documented default of a local test double
    publishable_key: str = "pk_test_sandbox00000000000000000"
    public_url: str = ""
    webhooks: tuple[Endpoint, ...] = field(default=())
    fee_bps: int = 290
    fee_fixed: int = 30
    dispute_fee: int = 1500
    dispute_fee_returned: bool = False
    settlement_seconds: int = 2 * 86400
    payout_seconds: int = 2 * 86400
    instant_payout_seconds: int = 30 * 60
    hold_seconds: int = 7 * 86400
    off_session_hold_seconds: int = 4 * 86400 + 18 * 3600
    country: str = "US"
    currency: str = "usd"

    @property
    def url(self) -> str:
        """The address browsers reach the sandbox under."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    def stripe_fee(self, amount: int) -> int:
        """Stripe's own fee on a card charge, rounded half up."""
        return (amount * self.fee_bps + 5000) // 10000 + self.fee_fixed
