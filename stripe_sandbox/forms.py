"""Form-encoded bodies and query strings, with Stripe's brackets, as nested dicts and lists of strings."""

import re
from typing import Any
from urllib.parse import parse_qsl

from stripe_sandbox.errors import ParameterError
from stripe_sandbox.types import Doc

_PART = re.compile(r"\[([^\[\]]*)\]")


def parse_form(text: str) -> Doc:
    """`a[b]=1&c[]=2&d[0][e]=3` as {"a": {"b": "1"}, "c": ["2"], "d": [{"e": "3"}]}."""
    if not text:
        return {}
    tree: Doc = {}
    nested = False
    for key, value in parse_qsl(text, keep_blank_values=True):
        if "[" not in key:
            tree[key] = value
        else:
            nested = True
            _put(tree, key, value)
    return {key: _listed(value) for key, value in tree.items()} if nested else tree


def _put(tree: Doc, key: str, value: str) -> None:
    head, bracket, rest = key.partition("[")
    parts = [head, *_PART.findall(bracket + rest)]
    node = tree
    for position, part in enumerate(parts):
        if part == "":
            part = str(len(node))
        if position == len(parts) - 1:
            node[part] = value
            return
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise ParameterError("Invalid request: a parameter is both a value and a hash", param=head)
        node = child


def _listed(node: Any) -> Any:
    """Dicts whose keys are 0, 1, 2 … are lists."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(value) for key, value in node.items()}
