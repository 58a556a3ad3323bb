"""One call of the API, after authentication and validation."""

from dataclasses import dataclass, field
from typing import Any

from stripe_sandbox.errors import StripeError
from stripe_sandbox.types import Doc


@dataclass
class Request:
    """What a route's function is given."""

    id: str
    method: str
    path: str
    account: str
    """The account the call acts for: the platform, or the connected account named by Stripe-Account."""
    params: Doc = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    publishable: bool = False
    refused: StripeError | None = None
    """A card error the card network is to answer with, whatever the card."""

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter's value."""
        return self.params.get(name, default)
