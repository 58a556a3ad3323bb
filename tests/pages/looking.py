"""Reading a page in a test: its words without tags, its hidden fields."""

import re
from html import unescape
from typing import Any


def words(response: Any) -> str:
    """What a person reads: no tags, single spaces."""
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def hidden(response: Any, name: str) -> str:
    """The value of a hidden field."""
    for tag in re.findall(r"<input[^>]*>", response.content.decode()):
        if f'name="{name}"' in tag:
            return unescape(re.search(r'value="([^"]*)"', tag)[1])  # type: ignore[index]
    raise AssertionError(f"no field {name}")
