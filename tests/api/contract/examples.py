"""Requests and answers as people read them in the schema: made by asking, with ids, times and secrets made plain."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from .asking import ask_as, made
from .world import World

FILE = Path(settings.BASE_DIR) / "docs" / "api" / "openapi_examples.json"
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")
INSTANT = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
STRIPE_ID = re.compile(
    r"\b(pi|pm|seti|re|po|acct|cus|prod|price|tr|ch|src|card|evt|in)_[A-Za-z0-9]{8,}(_secret_[A-Za-z0-9]+)?"
)
SECRETS = {"access", "refresh", "session_token", "secret", "totp_url", "token", "quote_id", "code", "password", "url"}
Example = dict[str, Any]


def example_of(world: World, role: str, endpoint: str) -> Example:
    """What this request says and what it is answered, as documented."""
    sent = made(world, endpoint)
    response = ask_as(world, role, endpoint, sent)
    is_json = not response.streaming and "json" in response.headers.get("Content-Type", "") and response.content
    plain = _Plain(world)
    return {
        "status": response.status_code,
        **({"request": plain.value(sent.body)} if sent.body else {}),
        **({"answer": plain.value(json.loads(response.content))} if is_json else {}),
    }


def shape(value: Any) -> Any:
    """Names and kinds, at every depth; null is of any kind, an empty list may hold anything."""
    match value:
        case dict():
            return {name: shape(inner) for name, inner in sorted(value.items())}
        case list():
            return [shape(value[0])] if value else []
        case bool():
            return "bool"
        case int() | float():
            return "number"
    return None if value is None else "text"


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Where two shapes are not the same."""
    match before, after:
        case (None, _) | (_, None) | ([], list()) | (list(), []):
            return []
        case dict(), dict():
            missing = [f"{where}/{name} is gone" for name in before.keys() - after.keys()]
            new = [f"{where}/{name} is new" for name in after.keys() - before.keys()]
            both = sorted(before.keys() & after.keys())
            return (
                missing
                + new
                + [line for name in both for line in differences(before[name], after[name], f"{where}/{name}")]
            )
        case [first], [second]:
            return differences(first, second, f"{where}/0")
    return [] if before == after else [f"{where} was {before}, is {after}"]


class _Plain:
    """Makes what an answer happened to be readable: ids that count, times around a noon, no secrets."""

    def __init__(self, world: World) -> None:
        self._now = world.hour
        self._ids: dict[str, str] = {}

    def value(self, value: Any, name: str = "") -> Any:
        match value:
            case dict():
                return {key: self.value(inner, key) for key, inner in value.items()}
            case list():
                return [self.value(inner, name) for inner in value[:3]]
            case str() if name in SECRETS and not value.isupper():
                return f"<{name}>"
            case str():
                return self._text(value)
        return value

    def _text(self, text: str) -> str:
        text = text.replace(settings.SITE_URL, "https://instainstru.example")
        text = re.sub(r"https?://127\.0\.0\.1:\d+", "https://stripe.example", text)
        text = re.sub(r"\b(student|instructor|staff)-[0-9a-z]{26}@", r"\1@", text)
        text = STRIPE_ID.sub(lambda found: f"{found[1]}_3Example{'_secret_…' if found[2] else ''}", text)
        text = ULID.sub(lambda found: self._ids.setdefault(found[0], f"01J{len(self._ids) + 1:023d}"), text)
        return INSTANT.sub(lambda found: self._instant(found[0]), text)

    def _instant(self, text: str) -> str:
        moved = NOON + (datetime.fromisoformat(text) - self._now)
        return f"{moved:%Y-%m-%dT%H:%M:00Z}"
