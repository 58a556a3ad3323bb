"""Products and prices."""

from stripe_sandbox.errors import invalid_request
from stripe_sandbox.ids import new_id
from stripe_sandbox.lists import list_of
from stripe_sandbox.request import Request
from stripe_sandbox.routing import route
from stripe_sandbox.sandbox import Sandbox
from stripe_sandbox.shapes import check_currency, metadata
from stripe_sandbox.types import Doc


@route("POST", "/v1/products", "ProductCreateParams")
def create_product(box: Sandbox, request: Request) -> Doc:
    """Create a product, with `default_price_data` its price too."""
    params = request.params
    product: Doc = {
        "id": params.get("id") or new_id("prod"),
        "object": "product",
        "active": params.get("active", True),
        "created": box.now,
        "default_price": None,
        "description": params.get("description"),
        "images": params.get("images", []),
        "livemode": False,
        "marketing_features": params.get("marketing_features", []),
        "metadata": metadata(None, params.get("metadata")),
        "name": params["name"],
        "package_dimensions": params.get("package_dimensions"),
        "shippable": params.get("shippable"),
        "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"),
        "type": params.get("type", "service"),
        "unit_label": params.get("unit_label"),
        "updated": box.now,
        "url": params.get("url"),
    }
    if box.store.get("product", product["id"]):
        raise invalid_request("Product already exists.", "resource_already_exists", "id")
    box.add("product", product, request.account)
    box.emit("product.created", product)
    if "default_price_data" in params:
        price = _new_price(box, request, params["default_price_data"], product["id"])
        box.change("product", product, {"default_price": price["id"]}, "product.updated")
    return product


@route("GET", "/v1/products", "ProductListParams")
def list_products(box: Sandbox, request: Request) -> Doc:
    """List products."""
    return list_of(box, request, "product", _flags(request, "active"))


@route("GET", "/v1/products/{id}", "ProductRetrieveParams")
def retrieve_product(box: Sandbox, request: Request) -> Doc:
    """A product."""
    return box.here("product", request)


@route("GET", "/v1/products/{id}/features", "ProductListFeaturesParams")
def list_features(box: Sandbox, request: Request) -> Doc:
    """The features of a product: there are none here."""
    box.here("product", request)
    return {"object": "list", "data": [], "has_more": False, "url": request.path}


@route("POST", "/v1/products/{id}", "ProductUpdateParams")
def update_product(box: Sandbox, request: Request) -> Doc:
    """Change a product."""
    product = box.here("product", request)
    plain = ("active", "default_price", "description", "images", "name", "shippable", "tax_code", "unit_label", "url")
    changes: Doc = {
        name: None if request.params[name] == "" else request.params[name] for name in plain if name in request.params
    }
    if "images" in changes:
        changes["images"] = changes["images"] or []
    if "metadata" in request.params:
        changes["metadata"] = metadata(product["metadata"], request.params["metadata"])
    box.change("product", product, {**changes, "updated": box.now}, "product.updated")
    return product


@route("DELETE", "/v1/products/{id}")
def delete_product(box: Sandbox, request: Request) -> Doc:
    """Delete a product that has no prices."""
    product = box.here("product", request)
    if box.store.find("price", product=product["id"]):
        raise invalid_request("This product cannot be deleted because it has one or more user-created prices.")
    box.store.delete("product", product["id"])
    box.emit("product.deleted", product)
    return {"id": product["id"], "object": "product", "deleted": True}


@route("POST", "/v1/prices", "PriceCreateParams")
def create_price(box: Sandbox, request: Request) -> Doc:
    """Create a price of a product."""
    params = request.params
    if "product_data" in params:
        data = params["product_data"]
        inner = Request(request.id, "POST", "/v1/products", request.account, params=data)
        product = create_product(box, inner)["id"]
    elif "product" in params:
        product = box.need("product", params["product"], request.account, "product")["id"]
    else:
        raise invalid_request(
            "You must specify either `product` or `product_data` when creating a price.", "parameter_missing"
        )
    return _new_price(box, request, params, product)


@route("GET", "/v1/prices", "PriceListParams")
def list_prices(box: Sandbox, request: Request) -> Doc:
    """List prices."""
    filters = _flags(request, "active", "currency", "product", "type")
    if "lookup_keys" in request.params:
        filters["lookup_key"] = request.params["lookup_keys"]
    return list_of(box, request, "price", filters)


@route("GET", "/v1/prices/{id}", "PriceRetrieveParams")
def retrieve_price(box: Sandbox, request: Request) -> Doc:
    """A price."""
    return box.here("price", request)


@route("POST", "/v1/prices/{id}", "PriceUpdateParams")
def update_price(box: Sandbox, request: Request) -> Doc:
    """Change a price; its amount never changes."""
    price = box.here("price", request)
    changes: Doc = {
        name: request.params[name]
        for name in ("active", "lookup_key", "nickname", "tax_behavior")
        if name in request.params
    }
    if "metadata" in request.params:
        changes["metadata"] = metadata(price["metadata"], request.params["metadata"])
    box.change("price", price, changes, "price.updated")
    return price


def _new_price(box: Sandbox, request: Request, params: Doc, product: str) -> Doc:
    amount = params.get("unit_amount")
    if amount is None and "unit_amount_decimal" not in params:
        raise invalid_request(
            "Missing required param: unit_amount (or unit_amount_decimal).", "parameter_missing", "unit_amount"
        )
    recurring = params.get("recurring")
    price: Doc = {
        "id": new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": box.now,
        "currency": check_currency(params["currency"]),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": metadata(None, params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": recurring.get("usage_type", "licensed"),
        }
        if recurring
        else None,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(params.get("unit_amount_decimal", amount)),
    }
    box.add("price", price, request.account)
    box.emit("price.created", price)
    return price


def _flags(request: Request, *names: str) -> Doc:
    return {name: request.params[name] for name in names if name in request.params}
