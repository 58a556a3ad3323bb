"""What can go wrong, as named errors that carry their API code. Every door renders the same errors."""

from typing import Any


class Problem(Exception):
    """Something a caller is told: `code` is stable, `status` is HTTP's, `detail` says what happened.

    `fields` become members of the problem document beside the standard ones. Every subclass has a code of its own and a
    `remedy`: one short sentence, what the caller does about it. docs/api/errors.md is made from them
    (`manage.py write_docs`).
    """

    status = 422
    code = "refused"
    title = "Refused"
    remedy = "Show `detail`; the same request will be refused again."

    def __init__(self, detail: str = "", *, code: str | None = None, **fields: Any) -> None:
        self.detail = detail or self.title
        if code:
            self.code = code
        self.fields = fields
        super().__init__(self.detail)


class Invalid(Problem):
    """The request is malformed or a field is wrong; `errors` lists them by field."""

    status, code, title = 400, "invalid", "Invalid request"
    remedy = "Mend the fields named in `errors`, or the body, and send it again."


class NotFound(Problem):
    """Not there for this caller. Somebody else's object is not there either."""

    status, code, title = 404, "not_found", "Not found"
    remedy = "Check the id and who is logged in: what is somebody else's is not there either."


class PermissionDenied(Problem):
    status, code, title = 403, "permission_denied", "Not yours to do"
    remedy = "Log in as somebody who may: the endpoint's documentation says who."


class Conflict(Problem):
    """Lost a race, or the thing changed meanwhile."""

    status, code, title = 409, "conflict", "Conflict"
    remedy = "Read it again, and decide again on what is there now."


class Refused(Problem):
    """Understood, and refused by a rule of the policy."""


class CardRefused(Problem):
    """The card said no. `decline_code` says why, in Stripe's words."""

    status, code, title = 402, "card_declined", "The card was declined"
    remedy = "Show `detail` and ask for another card; `decline_code` says why."


class OperationInProgress(Problem):
    """Somebody else is moving this booking's money right now; try again in `retry_after` seconds."""

    status, code, title = 429, "operation_in_progress", "Operation in progress"
    remedy = "Wait `Retry-After` seconds and send the same request with the same Idempotency-Key."

    def __init__(self, detail: str = "Operation in progress", *, retry_after: int = 2, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after = retry_after


class RateLimited(Problem):
    status, code, title = 429, "rate_limited", "Too many requests"
    remedy = "Wait `Retry-After` seconds and send it again."

    def __init__(self, detail: str = "Too many requests", *, retry_after: int = 60, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after = retry_after


class StripeFailed(Problem):
    """Stripe answered something we cannot act on. Nothing was lost: the plan is kept and carried on later."""

    status, code, title = 502, "stripe_error", "Stripe failed"
    remedy = "Read the object again before trying once more; support sees it too."


class StripeUnavailable(Problem):
    """Stripe cannot be reached or does not say what happened. Nothing was lost: the plan will be resumed."""

    status, code, title = 503, "stripe_unavailable", "Stripe is unreachable"
    remedy = "Try again later with the same Idempotency-Key; what was decided is carried on meanwhile."
