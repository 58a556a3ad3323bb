"""Stripe's errors, by the names a reader of its documentation would look for."""

from typing import Any

from stripe_sandbox.types import Doc, public


class StripeError(Exception):
    """An answer of 4xx or 5xx in Stripe's shape.

    `commit` keeps what was done before it was raised: a decline leaves a failed charge and an error on the intent.
    """

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        commit: bool = False,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.commit = commit
        self.headers = headers or {}
        self.error: Doc = {}
        if code:
            self.error["code"] = code
        if decline_code:
            self.error["decline_code"] = decline_code
        if code:
            self.error["doc_url"] = doc_url(code)
        self.error["message"] = message
        if param:
            self.error["param"] = param
        self.error.update({key: public(value) if isinstance(value, dict) else value for key, value in extra.items()})
        self.error["type"] = type

    @property
    def code(self) -> str | None:
        """Stripe's error code, when the error has one."""
        code: str | None = self.error.get("code")
        return code


class ParameterError(StripeError):
    """A parameter that failed validation: Stripe does not store such an answer under the idempotency key."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(400, "invalid_request_error", message, code=code, param=param)


def doc_url(code: str) -> str:
    """Where Stripe explains an error code."""
    return f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


def invalid_request(message: str, code: str | None = None, param: str | None = None, **extra: Any) -> StripeError:
    """400: the request cannot be carried out as it stands."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, **extra)


def missing(noun: str, id: str, param: str, status: int = 404) -> StripeError:
    """The object named in the address (404) or in a parameter (400) does not exist for this account."""
    return StripeError(status, "invalid_request_error", f"No such {noun}: '{id}'", code="resource_missing", param=param)


def rate_limited(code: str, message: str) -> StripeError:
    """429, decided before idempotency."""
    retry = {"Stripe-Should-Retry": "true"} if code == "lock_timeout" else {}
    return StripeError(429, "invalid_request_error", message, code=code, headers=retry)


def api_error(message: str = "An unknown error occurred") -> StripeError:
    """500 in Stripe's shape."""
    return StripeError(500, "api_error", message)
