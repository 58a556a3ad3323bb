"""Pages a browser sees: onboarding, 3-D Secure, an Express account, receipts, and the browser script."""

from starlette.routing import Route

from stripe_sandbox.sandbox import Sandbox


def page_routes(box: Sandbox) -> list[Route]:
    """The routes of the pages."""
    return []
