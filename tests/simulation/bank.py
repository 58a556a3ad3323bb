"""What happens at Stripe and at banks without our asking."""

from typing import TYPE_CHECKING, Any

import httpx
from django.conf import settings

from common.problems import Refused
from payments.models import Chargeback

from .trouble import ANYTHING

if TYPE_CHECKING:
    from .acts import Act
    from .world import World


class Nothing(Refused):
    """There is nothing there to do this to."""

    code, title = "nothing_there", "Nothing there"


def _control(world: "World", path: str, /, **body: Any) -> dict[str, Any]:
    try:
        return world.sandbox.control("POST", path, **body)
    except httpx.HTTPStatusError as refusal:
        raise Nothing(refusal.response.text) from refusal


def authenticate(world: "World", act: "Act") -> str:
    """The student goes through 3-D Secure, or fails to."""
    intent = world.payment(act.lesson).payment_intent_id
    _control(world, f"authentications/{intent}", result=act.args["result"])
    return str(act.args["result"])


def charge_back(world: "World", act: "Act") -> str:
    """The student's bank takes the money back, or inquires."""
    payment = world.payment(act.lesson)
    if not payment.is_captured:
        raise Nothing()
    _control(world, "disputes", charge=payment.charge_id, reason=act.args["reason"], inquiry=act.args["inquiry"])
    return "opened"


def decide_chargeback(world: "World", act: "Act") -> str:
    """The bank decides every open dispute of the lesson."""
    open_ones = Chargeback.objects.filter(payment=world.payment(act.lesson), closed_at=None).order_by("pk")
    if not open_ones:
        raise Nothing()
    for chargeback in open_ones:
        inquiry = chargeback.status.startswith("warning")
        _control(world, f"disputes/{chargeback.pk}/close", status="warning_closed" if inquiry else act.args["status"])
    return str(act.args["status"])


def card_dies(world: "World", act: "Act") -> str:
    """From now on the card refuses captures of this lesson."""
    intent = world.payment(act.lesson).payment_intent_id
    if not intent or act.lesson in world.dead_cards:
        raise Nothing()
    world.dead_cards[act.lesson] = str(
        _control(
            world, "faults", method="POST", path=f"/v1/payment_intents/{intent}/capture", kind="refuse", status=402,
            error={"type": "card_error", "code": "card_declined", "decline_code": "lost_card", "message": "Lost."},
        )["id"]
    )  # fmt: skip
    return "dead"


def card_revives(world: "World", act: "Act") -> str:
    fault = world.dead_cards.pop(act.lesson, None)
    if fault is None:
        raise Nothing()
    world.sandbox.control("DELETE", f"faults/{fault}")
    return "alive"


def pay_out(world: "World", act: "Act") -> str:
    """An instructor moves their available balance to their bank."""
    account = world.instructors[act.args["instructor"]].stripe_account_id
    headers = {"Stripe-Account": account}
    auth = (settings.STRIPE_SECRET_KEY, "")
    with httpx.Client(base_url=str(settings.STRIPE_API_BASE), auth=auth, headers=headers, timeout=30) as stripe:
        available = stripe.get("/v1/balance").json()["available"][0]["amount"]
        if available <= 0:
            raise Nothing()
        answer = stripe.post("/v1/payouts", data={"amount": available, "currency": "usd"})
    if answer.is_error:
        raise Nothing(answer.text)
    world.payouts[act.args["instructor"]] = answer.json()["id"]
    return f"{available} cents"


def return_payout(world: "World", act: "Act") -> str:
    """The instructor's bank sends the last payout back."""
    payout = world.payouts.pop(act.args["instructor"], None)
    if payout is None:
        raise Nothing()
    _control(world, f"payouts/{payout}/fail")
    return "returned"


def stripe_down(world: "World", act: "Act") -> str:
    """A storm: a share of all requests fails until it is over."""
    fault = {"method": "*", "path": ANYTHING, **act.args}
    world.storms.append(str(_control(world, "faults", **fault)["id"]))
    return str(act.args["kind"])


def forget_keys(world: "World", act: "Act") -> str:
    """Stripe forgets every idempotency key, as it does after a day."""
    _control(world, "idempotency/forget")
    return "forgotten"


def stripe_up(world: "World", act: "Act") -> str:
    """The storms are over."""
    world.count_faults(world.storms)
    for fault in world.storms:
        world.sandbox.control("DELETE", f"faults/{fault}")
    over, world.storms = len(world.storms), []
    return f"{over} over"
