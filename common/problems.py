"""What can go wrong, as named errors that carry their API code. Every door renders the same errors."""

from typing import Any


class Problem(Exception):
    """Something a caller is told: `code` is stable, `status` is HTTP's, `detail` says what to do.

    `fields` become members of the problem document beside the standard ones.
    """

    status = 422
    code = "refused"
    title = "Refused"

    def __init__(self, detail: str = "", *, code: str | None = None, **fields: Any) -> None:
        self.detail = detail or self.title
        if code:
            self.code = code
        self.fields = fields
        super().__init__(self.detail)


class Invalid(Problem):
    """The request is malformed or a field is wrong; `errors` lists them by field."""

    status, code, title = 400, "invalid", "Invalid request"


class NotFound(Problem):
    """Not there for this caller. Somebody else's object is not there either."""

    status, code, title = 404, "not_found", "Not found"


class PermissionDenied(Problem):
    status, code, title = 403, "permission_denied", "Not yours to do"


class Conflict(Problem):
    """Lost a race, or the thing changed meanwhile."""

    status, code, title = 409, "conflict", "Conflict"


class Refused(Problem):
    """Understood, and refused by a rule of the policy."""


class CardRefused(Problem):
    """The card said no. `decline_code` says why, in Stripe's words."""

    status, code, title = 402, "card_declined", "The card was declined"


class OperationInProgress(Problem):
    """Somebody else is moving this booking's money right now; try again in `retry_after` seconds."""

    status, code, title = 429, "operation_in_progress", "Operation in progress"

    def __init__(self, detail: str = "Operation in progress", *, retry_after: int = 2, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after = retry_after


class RateLimited(Problem):
    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str = "Too many requests", *, retry_after: int = 60, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after = retry_after


class StripeFailed(Problem):
    """Stripe answered something we cannot act on. Nothing was lost: the plan is kept and carried on later."""

    status, code, title = 502, "stripe_error", "Stripe failed"


class StripeUnavailable(Problem):
    """Stripe cannot be reached or does not say what happened. Nothing was lost: the plan will be resumed."""

    status, code, title = 503, "stripe_unavailable", "Stripe is unreachable"
