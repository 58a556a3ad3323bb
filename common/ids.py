"""26-character ULIDs: sortable by creation, safe in URLs, never guessable in order."""

from ulid import ULID

ULID_LENGTH = 26


def new_id() -> str:
    """A fresh ULID."""
    return str(ULID())
