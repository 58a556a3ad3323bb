"""What an intent asks the customer to do."""

from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc, private


def challenge_url(box: Sandbox, intent: Doc) -> str:
    """The 3-D Secure page of an intent."""
    return f"{box.config.url}/_sandbox/3ds/{intent['id']}?client_secret={intent['client_secret']}"


def next_action(box: Sandbox, intent: Doc, return_url: str | None) -> Doc:
    """3-D Secure: on a page that comes back to `return_url`, or inside the page that runs the browser script."""
    private(intent)["return_url"] = return_url
    url = challenge_url(box, intent)
    if return_url:
        return {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
