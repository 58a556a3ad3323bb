"""Account links: the way into the hosted onboarding page."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import token
from stripe_sandbox.request import Request
from stripe_sandbox.resources.accounts import need_account
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc

LIFETIME_SECONDS = 300


@route("POST", "/v1/account_links", "AccountLinkCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """A link that works once, for five minutes; afterwards it leads to `refresh_url`."""
    params = request.params
    account = need_account(box, params["account"])
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise invalid_request(f"Missing required param: {name}.", "parameter_missing", name)
        if not params[name].startswith(("http://", "https://")):
            raise invalid_request("Not a valid URL", "url_invalid", name)
    if params["type"] == "account_update" and account["type"] == "express":
        raise invalid_request("You cannot create `account_update` type Account Links for this account.", None, "type")
    key = token(32)
    link: Doc = {
        "account": account["id"],
        "expires_at": box.now + LIFETIME_SECONDS,
        "refresh_url": params["refresh_url"],
        "return_url": params["return_url"],
        "session": None,
    }
    box.store.set_meta(f"account_link:{key}", link)
    return {
        "object": "account_link",
        "created": box.now,
        "expires_at": link["expires_at"],
        "url": f"{box.config.url}/_sandbox/onboarding/{key}",
    }
