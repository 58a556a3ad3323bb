"""`expand[]`: ids replaced by the objects they name, nested, and inside lists."""

from typing import TYPE_CHECKING, Any

from stripe_sandbox.errors import ParameterError
from stripe_sandbox.types import Doc, public

if TYPE_CHECKING:
    from stripe_sandbox.sandbox import Sandbox

MAX_DEPTH = 4

KIND_OF_PREFIX = {
    "acct": "account",
    "ba": "bank_account",
    "ch": "charge",
    "cus": "customer",
    "du": "dispute",
    "fee": "application_fee",
    "fr": "fee_refund",
    "pi": "payment_intent",
    "pm": "payment_method",
    "po": "payout",
    "price": "price",
    "prod": "product",
    "py": "charge",
    "pyr": "refund",
    "re": "refund",
    "seti": "setup_intent",
    "setatt": "setup_attempt",
    "tr": "transfer",
    "trr": "transfer_reversal",
    "txn": "balance_transaction",
}
_NEVER = {"id", "object", "client_secret", "payout_method", "mandate"}
_PLAIN = {("charge", "payment_method"), ("payment_intent", "client_secret")}
_ABSENT = {
    ("price", "currency_options"),
    ("price", "tiers"),
    ("charge", "transfer"),
    ("payment_intent", "transfer_data"),
    ("refund", "failure_balance_transaction"),
    ("transfer", "destination_payment"),
}
_LISTS = {
    ("charge", "refunds"): ("refund", "charge", "/v1/charges/{id}/refunds"),
    ("customer", "sources"): (None, "", "/v1/customers/{id}/sources"),
    ("customer", "subscriptions"): (None, "", "/v1/customers/{id}/subscriptions"),
    ("customer", "tax_ids"): (None, "", "/v1/customers/{id}/tax_ids"),
}


def kind_of(id: str) -> str | None:
    """The kind of object an id names, by its prefix."""
    prefix, underscore, _ = id.partition("_")
    return KIND_OF_PREFIX.get(prefix) if underscore else None


def expand(box: "Sandbox", doc: Doc, paths: list[str]) -> None:
    """Expand each path in place. Raises ParameterError for what cannot be expanded."""
    for path in paths:
        parts = path.split(".")
        depth = len(parts) - (parts[0] == "data")
        if depth > MAX_DEPTH:
            raise ParameterError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property (property: {path}).", param="expand"
            )
        _walk(box, doc, parts, path)


def _walk(box: "Sandbox", node: Doc, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if not isinstance(node.get("object", ""), str):
        raise _cannot(path)  # what an event carries is a snapshot
    if name not in node and (node.get("object"), name) in _ABSENT:
        return
    if node.get("object") == "list" or (name == "data" and isinstance(node.get("data"), list)):
        if name != "data" or not rest:
            raise _cannot(path)
        for item in node["data"]:
            _walk(box, item, rest, path)
        return
    value = _expanded(box, node, name, path)
    node[name] = value
    if not rest:
        return
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            _walk(box, item, rest, path)
        elif item is not None:
            raise _cannot(path)


def _expanded(box: "Sandbox", node: Doc, name: str, path: str) -> Any:
    kind = node.get("object")
    if (kind, name) in _LISTS:
        return _sublist(box, node, name)
    if name not in node:
        raise _cannot(path)
    value = node[name]
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or name in _NEVER or (kind, name) in _PLAIN:
        raise _cannot(path)
    found = kind_of(value)
    doc = box.store.get(found, value) if found else None
    if doc is None:
        raise _cannot(path)
    return public(doc)


def _sublist(box: "Sandbox", node: Doc, name: str) -> Doc:
    kind, column, url = _LISTS[node["object"], name]
    docs = [public(doc) for doc in reversed(box.store.find(kind, **{column: node["id"]}))] if kind else []
    return {"object": "list", "data": docs[:10], "has_more": len(docs) > 10, "url": url.format(id=node["id"])}


def _cannot(path: str) -> ParameterError:
    return ParameterError(
        f"This property cannot be expanded ({path}). You may want to try expanding its parent.", param="expand"
    )
