"""The end of a 3-D Secure challenge."""

from stripe_sandbox.resources import confirmation, setup_intents
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.types import Doc


class NotWaitingError(ValueError):
    """The intent is not waiting for 3-D Secure, or there is none."""


def find_intent(box: Sandbox, id: str) -> Doc | None:
    """A payment or setup intent of any account."""
    kind = "setup_intent" if id.startswith("seti_") else "payment_intent"
    return box.store.get(kind, id)


def finish(box: Sandbox, id: str, succeeded: bool) -> Doc:
    """Complete or fail the challenge an intent waits for, inside a transaction; the intent. Raises NotWaitingError."""
    intent = find_intent(box, id)
    if intent is None or intent["status"] != "requires_action":
        raise NotWaitingError(f"{id} is not waiting for 3-D Secure")
    if id.startswith("seti_"):
        return setup_intents.succeed(box, intent) if succeeded else setup_intents.fail_authentication(box, intent)
    if not succeeded:
        return confirmation.fail_authentication(box, intent)
    method = box.store.get("payment_method", intent["payment_method"])
    if method is None:
        raise NotWaitingError(f"{id} has no payment method")
    return confirmation.charge(box, intent, method, confirmation.AUTHENTICATED)
