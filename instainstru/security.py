"""What browsers are told to refuse: docs/security.md says why, tests/api/test_security.py holds it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

NONE, SELF = "'none'", "'self'"
STRIPE = ("https://js.stripe.com", "https://hooks.stripe.com", "https://api.stripe.com")
STRIPE_CONNECT = "https://connect.stripe.com"
NOTHING_OF = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "usb",
)


def content_security_policy(stripe_api_base: str | None) -> dict[str, Any]:
    """The policy of every page: files of our own, Stripe's card form, and nothing inline.

    Exceptions are of the admin only, and stand in support/site.py: ADMIN_MAY_ALSO.
    """
    stripe = (stripe_api_base,) if stripe_api_base else STRIPE
    return {
        "default-src": [NONE],
        "script-src": [SELF, *stripe],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, *stripe],
        "frame-src": list(stripe),
        "manifest-src": [SELF],
        "form-action": [SELF, stripe_api_base or STRIPE_CONNECT],  # a form leads on to onboarding at Stripe
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }


class PermissionsPolicy:
    """`Permissions-Policy`: pages need nothing of the device; payment only here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.value = ", ".join([*(f"{name}=()" for name in NOTHING_OF), "payment=(self)"])

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.value)
        return response
