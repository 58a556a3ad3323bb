"""The nested parts of account objects."""

from typing import Any

from stripe_sandbox.ids import new_id
from stripe_sandbox.shapes import address
from stripe_sandbox.types import Doc

_DUE = [
    "business_profile.mcc",
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.first_name",
    "individual.last_name",
    "individual.ssn_last_4",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]


def no_requirements() -> Doc:
    """Nothing is asked of the account."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }


def requirements() -> Doc:
    """What a new account is asked for."""
    due = {"currently_due": _DUE, "eventually_due": _DUE, "past_due": _DUE}
    return {**no_requirements(), **due, "disabled_reason": "requirements.past_due"}


def controller(kind: str, given: Doc | None) -> Doc:
    """Who controls what of a connected account."""
    given = given or {}
    express = kind == "express"
    dashboard = (given.get("stripe_dashboard") or {}).get("type") or ("express" if express else "full")
    platform_pays = express or kind == "custom"
    return {
        "fees": {"payer": (given.get("fees") or {}).get("payer") or ("application_express" if express else "account")},
        "is_controller": True,
        "losses": {
            "payments": (given.get("losses") or {}).get("payments") or ("application" if platform_pays else "stripe")
        },
        "requirement_collection": given.get("requirement_collection")
        or ("application" if kind == "custom" else "stripe"),
        "stripe_dashboard": {"type": "none" if kind == "custom" else dashboard},
        "type": "application",
    }


def new_settings() -> Doc:
    """Settings of a new account. Payouts are manual here, where Stripe's default is daily."""
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "manual"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }


def individual(account: Doc, given: Any, now: int) -> Doc:
    """The person behind an account."""
    current = account.get("individual") or {
        "id": new_id("person"),
        "object": "person",
        "account": account["id"],
        "created": now,
        "metadata": {},
    }
    person = dict(current)
    for name in ("email", "first_name", "last_name", "phone"):
        if name in given:
            person[name] = given[name]
    if isinstance(given.get("dob"), dict):
        person["dob"] = {part: given["dob"].get(part) for part in ("day", "month", "year")}
    if "address" in given:
        person["address"] = address(given["address"]) or dict.fromkeys(
            ("city", "country", "line1", "line2", "postal_code", "state")
        )
    return person
