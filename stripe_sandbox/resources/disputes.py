"""Disputes."""

from stripe_sandbox.cards import BY_NUMBER
from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.ledger import CARDS, STRIPE_FEES, Posting
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.schedule import task
from stripe_sandbox.shapes import metadata
from stripe_sandbox.types import Doc, private, public

DUE_SECONDS = 9 * 86400
REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


@route("GET", "/v1/disputes", "DisputeListParams")
def list_disputes(box: Sandbox, request: Request) -> Doc:
    """List disputes of a charge or an intent."""
    return list_of(box, request, "dispute", ("charge", "payment_intent"))


@route("GET", "/v1/disputes/{id}", "DisputeRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A dispute."""
    return box.here("dispute", request)


@route("POST", "/v1/disputes/{id}", "DisputeUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Give evidence; it is submitted unless `submit=false`. winning_evidence or losing_evidence decides the dispute."""
    dispute = box.here("dispute", request)
    changes: Doc = {}
    if "metadata" in request.params:
        changes["metadata"] = metadata(dispute["metadata"], request.params["metadata"])
    evidence = request.get("evidence")
    submit = request.get("submit", bool(evidence))
    if evidence or submit:
        if dispute["status"] not in ("needs_response", "warning_needs_response"):
            raise invalid_request(
                "This dispute is already submitted or closed; its evidence can no longer be changed.",
                "dispute_already_submitted",
            )
        given = {**dispute["evidence"], **{name: value or None for name, value in (evidence or {}).items()}}
        details = {**dispute["evidence_details"], "has_evidence": any(given.get(name) for name in _EVIDENCE)}
        if submit:
            details["submission_count"] += 1
            warning = dispute["status"].startswith("warning")
            changes["status"] = "warning_under_review" if warning else "under_review"
            box.schedule.add(box.now, "dispute_is_decided", dispute["id"])
        changes.update({"evidence": given, "evidence_details": details})
    box.change("dispute", dispute, changes, "charge.dispute.updated")
    return dispute


@route("POST", "/v1/disputes/{id}/close", "DisputeCloseParams")
def close(box: Sandbox, request: Request) -> Doc:
    """Accept a dispute: it is lost."""
    dispute = box.here("dispute", request)
    if dispute["status"] not in OPEN:
        raise invalid_request(f"This dispute is already closed with status {dispute['status']}.", "dispute_closed")
    end(box, dispute, "warning_closed" if dispute["status"].startswith("warning") else "lost")
    return dispute


def open_dispute(box: Sandbox, charge: Doc, reason: str, amount: int | None = None, *, inquiry: bool = False) -> Doc:
    """A customer disputes a captured charge; unless it is an inquiry the money goes back at once."""
    amount = amount or undisputed(charge)
    dispute: Doc = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": box.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": box.now + DUE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": charge["payment_method_details"]["card"]["brand"],
                "network_reason_code": "10.4" if reason == "fraudulent" else "13.1",
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    private(charge)["refundable"] = inquiry
    box.save("charge", charge)
    owner = private(charge)["owner"]
    box.add("dispute", dispute, owner)
    box.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(box, dispute, owner)
        box.emit("charge.dispute.funds_withdrawn", dispute)
        box.emit("charge.dispute.updated", dispute, previous={"balance_transactions": []})
    return dispute


def undisputed(charge: Doc) -> int:
    """What a customer can dispute of a charge: what was captured and not refunded."""
    released = charge["amount"] - charge["amount_captured"]
    return int(charge["amount_captured"] - (charge["amount_refunded"] - released))


def end(box: Sandbox, dispute: Doc, status: str) -> None:
    """Close a dispute as won, lost or warning_closed. Won or withdrawn: money that was taken comes back."""
    withdrawn = [entry for entry in dispute["balance_transactions"] if entry["amount"] < 0]
    dispute["status"] = status
    if status != "lost" and withdrawn:
        _reinstate(box, dispute)
        box.emit("charge.dispute.funds_reinstated", dispute)
    if status != "lost":
        charge = box.need("charge", dispute["charge"], private(dispute)["owner"])
        private(charge)["refundable"] = True
        dispute["is_charge_refundable"] = True
        box.save("charge", charge)
    box.save("dispute", dispute)
    box.emit("charge.dispute.closed", dispute)


@task("test_card_dispute")
def test_card_dispute(box: Sandbox, ids: list[str]) -> None:
    """The test cards that are disputed by themselves."""
    for id in ids:
        charge = box.store.get("charge", id)
        if charge and not charge["disputed"] and undisputed(charge):
            card = BY_NUMBER[private(charge)["number"]]
            open_dispute(box, charge, card.dispute or "general", inquiry=card.inquiry)


@task("dispute_is_decided")
def dispute_is_decided(box: Sandbox, ids: list[str]) -> None:
    """The bank looks at submitted evidence; anything but the two magic texts stays under review."""
    for id in ids:
        dispute = box.store.get("dispute", id)
        if dispute is None or dispute["status"] not in ("under_review", "warning_under_review"):
            continue
        texts = [value for value in dispute["evidence"].values() if isinstance(value, str)]
        warning = dispute["status"].startswith("warning")
        if any("winning_evidence" in text for text in texts):
            end(box, dispute, "warning_closed" if warning else "won")
        elif any("losing_evidence" in text for text in texts):
            end(box, dispute, "warning_closed" if warning else "lost")


def _withdraw(box: Sandbox, dispute: Doc, owner: str) -> None:
    fee = box.config.dispute_fee
    posting = Posting("dispute", dispute["id"], dispute["currency"])
    detail = {
        "amount": fee,
        "application": None,
        "currency": dispute["currency"],
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
    transaction = box.ledger.transact(
        posting,
        owner,
        "adjustment",
        -dispute["amount"],
        source=dispute["id"],
        fee=fee,
        fee_details=[detail],
        description=f"Chargeback withdrawal for {dispute['charge']}",
        category="dispute",
    )
    posting.line(CARDS, dispute["amount"])
    posting.line(STRIPE_FEES, fee)
    box.ledger.post(posting)
    dispute["balance_transactions"] = [transaction]
    box.save("dispute", dispute)


def _reinstate(box: Sandbox, dispute: Doc) -> None:
    fee = box.config.dispute_fee if box.config.dispute_fee_returned else 0
    posting = Posting("dispute_reversal", dispute["id"], dispute["currency"])
    transaction = box.ledger.transact(
        posting,
        private(dispute)["owner"],
        "adjustment",
        dispute["amount"],
        source=dispute["id"],
        fee=-fee,
        description=f"Chargeback reversal for {dispute['charge']}",
        category="dispute_reversal",
    )
    posting.line(CARDS, -dispute["amount"])
    posting.line(STRIPE_FEES, -fee)
    box.ledger.post(posting)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], public(transaction)]
