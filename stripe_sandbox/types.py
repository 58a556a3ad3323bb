"""Names for the JSON shapes that are passed around everywhere."""

from typing import Any

Doc = dict[str, Any]
"""A Stripe object, or any other JSON object."""

PRIVATE = "_"
"""The key of a stored object under which the sandbox keeps what Stripe never shows."""


def public(doc: Doc) -> Doc:
    """The object as Stripe shows it: without the sandbox's private notes."""
    return {key: value for key, value in doc.items() if key != PRIVATE}


def private(doc: Doc) -> Doc:
    """The sandbox's private notes about an object; changes to it are kept when the object is saved."""
    notes: Doc = doc.setdefault(PRIVATE, {})
    return notes
