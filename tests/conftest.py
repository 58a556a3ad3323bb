"""The ground every test stands on.

`database` unblocks this process's PostgreSQL database and empties it afterwards; `house` is that and the Stripe
sandbox; `running_site` is that and a web server and a job cluster, as real processes. Tests that ask for none of them
touch nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from tests.support import environment

HOME = environment.settle_in()

from tests.support.database import Cleaner, database_of_this_process  # noqa: E402
from tests.support.processes import running  # noqa: E402
from tests.support.sandbox import Sandbox, running_sandbox  # noqa: E402

hypothesis_settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize="CI" in os.environ,
)
hypothesis_settings.load_profile("house")


def pytest_unconfigure() -> None:
    environment.leave(HOME)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """This process's own database, a copy of the migrated template (in place of pytest-django's)."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["tests.support.hashers.QuickArgon2"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.support.contract.Observer"]
    with django_db_blocker.unblock(), database_of_this_process():
        yield


@pytest.fixture(scope="session")
def _cleaner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Cleaner:
    with django_db_blocker.unblock():
        return Cleaner()


@pytest.fixture
def database(_cleaner: Cleaner, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database, with real commits. Empty at the start; whatever a test leaves is deleted.

    What the API answered meanwhile must have been documented (tests/support/contract.py).
    """
    from django.core.cache import cache

    from tests.support import contract

    with django_db_blocker.unblock():
        yield
        cache.clear()
        (HOME / "clock.json").unlink(missing_ok=True)
        _cleaner.empty()
        assert not (found := contract.findings()), "\n".join(found)


@pytest.fixture(scope="session")
def _sandbox_process() -> Iterator[Sandbox]:
    with running_sandbox(HOME, int(os.environ["STRIPE_SANDBOX_PORT"])) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox_process: Sandbox) -> Iterator[Sandbox]:
    """The Stripe sandbox, without any memory of earlier tests."""
    yield _sandbox_process
    _sandbox_process.reset()


@pytest.fixture
def house(database: None, sandbox: Sandbox) -> None:
    """Database and Stripe sandbox: what an operation needs."""


@pytest.fixture(scope="module")
def _site_processes(django_db_setup: None, _sandbox_process: Sandbox) -> Iterator[str]:
    from django.core.management import call_command

    from instainstru import settings
    from instainstru.run.site import Site

    call_command("collectstatic", interactive=False, verbosity=0)
    site = Site(settings, os.environ["DATABASE_URL"])
    with running([site.cluster_part(), site.web_part()], until=site.ready_request()[0]):
        yield settings.SITE_URL


@pytest.fixture
def running_site(house: None, _site_processes: str) -> str:
    """The address of the whole site: gunicorn and a job cluster on this process's database, webhooks connected.

    The processes live as long as the test module. Needs seconds to start: for what only real HTTP can show.
    """
    from django.core.management import call_command

    call_command("connect_webhooks", verbosity=0)
    return _site_processes


@pytest.fixture
def home() -> Path:
    """This process's INSTAINSTRU_HOME."""
    return HOME
