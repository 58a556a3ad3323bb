"""Customers."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id, token
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.resources.payment_methods import attach, detach_all, resolve
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import address, metadata
from stripe_sandbox.types import Doc

_PLAIN = ("description", "email", "name", "phone")


@route("POST", "/v1/customers", "CustomerCreateParams")
def create(box: Sandbox, request: Request) -> Doc:
    """Create a customer; `payment_method` is attached to it."""
    customer: Doc = {
        "id": new_id("cus"),
        "object": "customer",
        "address": address(request.get("address")),
        "balance": request.get("balance", 0),
        "created": box.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": request.get("description"),
        "discount": None,
        "email": request.get("email"),
        "invoice_prefix": token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": metadata(None, request.get("metadata")),
        "name": request.get("name"),
        "next_invoice_sequence": 1,
        "phone": request.get("phone"),
        "preferred_locales": request.get("preferred_locales", []),
        "shipping": _shipping(request.get("shipping")),
        "tax_exempt": request.get("tax_exempt") or "none",
        "test_clock": None,
    }
    box.add("customer", customer, request.account)
    box.emit("customer.created", customer)
    if "payment_method" in request.params:
        method = resolve(box, request.params["payment_method"], request.account, "payment_method")
        attach(box, method, customer["id"])
    _set_default(box, request, customer)
    return customer


@route("GET", "/v1/customers", "CustomerListParams")
def list_customers(box: Sandbox, request: Request) -> Doc:
    """List customers, optionally of one e-mail address."""
    return list_of(box, request, "customer", ("email",))


@route("GET", "/v1/customers/{id}", "CustomerRetrieveParams")
def retrieve(box: Sandbox, request: Request) -> Doc:
    """A customer; of a deleted one only that it is deleted."""
    gone = box.store.get("customer", request.args["id"], f"deleted:{request.account}")
    return _deleted(request.args["id"]) if gone else box.here("customer", request)


@route("POST", "/v1/customers/{id}", "CustomerUpdateParams")
def update(box: Sandbox, request: Request) -> Doc:
    """Change a customer."""
    customer = box.here("customer", request)
    changes: Doc = {name: request.params[name] or None for name in _PLAIN if name in request.params}
    for name in ("balance", "preferred_locales", "tax_exempt"):
        if name in request.params:
            changes[name] = request.params[name] or {"balance": 0, "tax_exempt": "none"}.get(name, [])
    if "address" in request.params:
        changes["address"] = address(request.params["address"])
    if "shipping" in request.params:
        changes["shipping"] = _shipping(request.params["shipping"])
    if "metadata" in request.params:
        changes["metadata"] = metadata(customer["metadata"], request.params["metadata"])
    box.change("customer", customer, changes, "customer.updated")
    _set_default(box, request, customer)
    return customer


@route("DELETE", "/v1/customers/{id}")
def delete(box: Sandbox, request: Request) -> Doc:
    """Delete a customer; its payment methods are detached."""
    customer = box.here("customer", request)
    detach_all(box, customer["id"])
    box.emit("customer.deleted", customer)
    box.store.db.execute("UPDATE o_customer SET owner = ? WHERE id = ?", (f"deleted:{request.account}", customer["id"]))
    return _deleted(customer["id"])


@route("GET", "/v1/customers/{id}/payment_methods", "CustomerListPaymentMethodsParams")
def list_payment_methods(box: Sandbox, request: Request) -> Doc:
    """The payment methods attached to a customer."""
    customer = box.here("customer", request)
    return list_of(box, request, "payment_method", {"customer": customer["id"]})


@route("GET", "/v1/customers/{id}/payment_methods/{method}", "CustomerRetrievePaymentMethodParams")
def retrieve_payment_method(box: Sandbox, request: Request) -> Doc:
    """One payment method of a customer."""
    customer = box.here("customer", request)
    method = box.here("payment_method", request, "method")
    if method["customer"] != customer["id"]:
        raise invalid_request(
            f"The customer does not have a payment method with the ID {method['id']}.",
            "resource_missing",
            "payment_method",
        )
    return method


@route("GET", "/v1/customers/{id}/sources", "CustomerListSourcesParams")
@route("GET", "/v1/customers/{id}/tax_ids", "CustomerListTaxIdsParams")
def list_nothing(box: Sandbox, request: Request) -> Doc:
    """Sources and tax ids: there are none here."""
    box.here("customer", request)
    return {"object": "list", "data": [], "has_more": False, "url": request.path}


def _set_default(box: Sandbox, request: Request, customer: Doc) -> None:
    settings = request.get("invoice_settings")
    if not isinstance(settings, dict) or "default_payment_method" not in settings:
        return
    param = "invoice_settings[default_payment_method]"
    chosen: str | None = settings["default_payment_method"] or None
    if chosen:
        method = resolve(box, chosen, request.account, param)
        if method["customer"] != customer["id"]:
            raise invalid_request(
                f"The customer does not have a payment method with the ID {chosen}. The payment method must be "
                "attached to the customer.",
                "resource_missing",
                param,
            )
        chosen = method["id"]
    changed = {**customer["invoice_settings"], "default_payment_method": chosen}
    box.change("customer", customer, {"invoice_settings": changed}, "customer.updated")


def _shipping(given: Doc | str | None) -> Doc | None:
    if not isinstance(given, dict):
        return None
    return {
        "address": address(given.get("address")),
        "name": given.get("name"),
        "phone": given.get("phone") or None,
    }


def _deleted(id: str) -> Doc:
    return {"id": id, "object": "customer", "deleted": True}
