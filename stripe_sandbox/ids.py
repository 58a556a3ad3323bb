"""Ids and secrets that look like Stripe's."""

import random
import string

_ALPHABET = string.ascii_letters + string.digits
_random = random.SystemRandom()
_fast = random.Random(_random.getrandbits(128))


def token(length: int = 24) -> str:
    """Random letters and digits."""
    return "".join(_fast.choices(_ALPHABET, k=length))


def new_id(prefix: str) -> str:
    """A fresh id, such as pi_3… for prefix "pi"."""
    return f"{prefix}_1{token(23)}"


def new_secret(id: str) -> str:
    """The client secret of an intent."""
    return f"{id}_secret_{token(25)}"
