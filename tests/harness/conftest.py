"""Short runs of the harnesses inside the test suite."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import override_settings

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

    from .world import World


@pytest.fixture
def world(house: None, sandbox: "Sandbox") -> "Iterator[World]":
    """A harness's world on this process's database and sandbox."""
    from .world import World

    quick = {
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "STRIPE_REQUESTS_PER_SECOND": 10_000,
    }
    world = World(sandbox)
    logging.disable(logging.CRITICAL)
    try:
        with override_settings(**quick):
            yield world
    finally:
        logging.disable(logging.NOTSET)
        world.close()
