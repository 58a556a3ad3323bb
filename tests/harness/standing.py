"""Stand a world up outside pytest: settings, database, sandbox. Import nothing of Django's models before."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support import environment

if TYPE_CHECKING:
    from .world import World


def make_quick() -> None:
    """Settings that only cost time here: slow password hashes, the pace of Stripe's live limits, logs."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STRIPE_REQUESTS_PER_SECOND = 10_000
    logging.disable(logging.CRITICAL)


@contextmanager
def standing_world(server: str = "") -> "Iterator[World]":
    """A world of this process's own, gone at the end of the block; on the database server with this URL, if given."""
    if server:
        environment.GIVEN_SERVER = server
    home = environment.settle_in()
    make_quick()
    from tests.support.database import database_of_this_process
    from tests.support.sandbox import running_sandbox

    from .world import World

    try:
        with (
            database_of_this_process(),
            running_sandbox(home, int(os.environ["STRIPE_SANDBOX_PORT"])) as sandbox,
        ):
            world = World(sandbox)
            world.reset()
            try:
                yield world
            finally:
                world.close()
    finally:
        environment.leave(home)
