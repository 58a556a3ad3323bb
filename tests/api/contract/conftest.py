"""One world for all contract tests of a process, and a copy to go back to."""

import logging
from collections.abc import Iterator

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from tests.support import contract
from tests.support.database import Cleaner
from tests.support.sandbox import Sandbox
from tests.support.snapshot import Snapshot

from .world import World, build

UNHURRIED = {
    "RATE_LIMITS_PER_MINUTE": dict.fromkeys(("read", "write", "money", "login"), 1_000_000),
    "STRIPE_REQUESTS_PER_SECOND": 10_000,
}


@pytest.fixture(scope="package")
def _world(_cleaner: Cleaner, django_db_blocker: DjangoDbBlocker, _sandbox_process: Sandbox) -> Iterator[World]:
    with django_db_blocker.unblock(), override_settings(**UNHURRIED):
        logging.disable(logging.CRITICAL)
        world = build()
        world.snapshot = Snapshot()
        try:
            yield world
        finally:
            logging.disable(logging.NOTSET)
            world.snapshot.forget()
            _cleaner.empty()
            _sandbox_process.reset()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """The world as it was built; what a test does to it is undone."""
    yield _world
    _world.restore()
    assert not (found := contract.findings()), "\n".join(found)
