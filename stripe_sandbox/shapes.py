"""Small parts that many objects share."""

from stripe_sandbox.errors import ParameterError, invalid_request
from stripe_sandbox.types import Doc

_MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "nzd": 50, "sgd": 50, "jpy": 50}
_SYMBOLS = {"usd": "$", "cad": "$", "aud": "$", "nzd": "$", "sgd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
MAX_AMOUNT = 99_999_999
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500


def money(amount: int, currency: str) -> str:
    """An amount for people, such as $12.50."""
    symbol = _SYMBOLS.get(currency, "")
    return f"{symbol}{amount}" if currency == "jpy" else f"{symbol}{amount / 100:,.2f}"


def check_currency(currency: str) -> str:
    """The currency in small letters. Raises ParameterError when nobody deals in it."""
    lower = currency.lower()
    if lower not in _MINIMUM:
        raise ParameterError(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(sorted(_MINIMUM))}",
            param="currency",
        )
    return lower


def check_amount(amount: int, currency: str, param: str = "amount") -> int:
    """The amount. Raises when it is too small or too large to be charged."""
    if amount < 1:
        raise ParameterError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    if amount < _MINIMUM[currency]:
        least = money(_MINIMUM[currency], currency)
        raise ParameterError(f"Amount must be at least {least} {currency}", code="amount_too_small", param=param)
    if amount > MAX_AMOUNT:
        most = money(MAX_AMOUNT, currency)
        raise ParameterError(f"Amount must be no more than {most}", code="amount_too_large", param=param)
    return amount


def check_positive(amount: int, param: str = "amount") -> int:
    """The amount. Raises ParameterError below 1."""
    if amount < 1:
        raise ParameterError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    return amount


def metadata(current: Doc | None, given: Doc | str | None) -> Doc:
    """Metadata after an update: given keys are set, empty values unset, an empty string clears everything."""
    if given is None:
        return dict(current or {})
    if isinstance(given, str):
        return {}
    merged = {**(current or {}), **given}
    merged = {key: value for key, value in merged.items() if value != ""}
    if len(merged) > MAX_METADATA_KEYS:
        raise invalid_request("You can only specify up to 50 keys in metadata.", param="metadata")
    for key, value in merged.items():
        if len(key) > MAX_METADATA_KEY:
            raise invalid_request(
                f"Metadata keys can't be greater than 40 characters long. Invalid key: {key}", param="metadata"
            )
        if len(value) > MAX_METADATA_VALUE:
            raise invalid_request(
                f"Metadata values can have up to 500 characters, but you passed in a value that is {len(value)} "
                "characters.",
                param=f"metadata[{key}]",
            )
    return merged


def address(given: Doc | str | None) -> Doc | None:
    """An address with all its fields, or None."""
    if not isinstance(given, dict):
        return None
    return {name: given.get(name) or None for name in _ADDRESS}


def billing_details(given: Doc | None) -> Doc:
    """Billing details with all their fields."""
    given = given or {}
    return {
        "address": address(given.get("address")) or dict.fromkeys(_ADDRESS),
        "email": given.get("email") or None,
        "name": given.get("name") or None,
        "phone": given.get("phone") or None,
        "tax_id": given.get("tax_id") or None,
    }


def half_up(amount: int, part: int, whole: int) -> int:
    """amount × part ÷ whole, rounded half up."""
    return (2 * amount * part + whole) // (2 * whole) if whole else 0
