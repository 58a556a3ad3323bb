"""The parts of one running marketplace, made from the settings."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from .parts import Part
from .postgres import EmbeddedPostgres

SECONDS_TO_FINISH_REQUESTS = 20
SECONDS_TO_FINISH_TASKS = 20


@dataclass(frozen=True)
class Site:
    """Where things are, and the processes that make them so. `database_url` is None for the embedded PostgreSQL."""

    settings: ModuleType
    database_url: str | None

    @property
    def home(self) -> Path:
        return Path(self.settings.INSTAINSTRU_HOME)

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home / "postgres")

    @property
    def has_own_sandbox(self) -> bool:
        return bool(self.settings.SANDBOX_MODE) and "STRIPE_API_BASE" not in os.environ

    def ports(self) -> dict[str, int]:
        """The ports it will listen on, by the name of their setting."""
        ports = {"PORT": int(self.settings.PORT)}
        if self.has_own_sandbox:
            ports["STRIPE_SANDBOX_PORT"] = int(self.settings.STRIPE_SANDBOX_PORT)
        return ports

    def environment(self) -> dict[str, str]:
        """The addresses that every part, and `manage.py` in another terminal, must agree on."""
        values = {
            "INSTAINSTRU_HOME": str(self.home),
            "DATABASE_URL": self.database_url or self.postgres.url("instainstru"),
            "PORT": str(self.settings.PORT),
            "SITE_URL": str(self.settings.SITE_URL),
            "STRIPE_MODE": str(self.settings.STRIPE_MODE),
        }
        if self.settings.STRIPE_API_BASE:
            values["STRIPE_API_BASE"] = str(self.settings.STRIPE_API_BASE)
        return values

    def database_part(self) -> Part:
        postgres = self.postgres
        return Part(
            name="database",
            argv=postgres.argv(),
            log=self.logs / "database.log",
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            cwd=Path("/"),
            identity=postgres.identity(),
            stop_signal=signal.SIGINT,
            patience=60,
        )

    def sandbox_part(self) -> Part:
        state = str(self.home / "stripe.sqlite3")
        port = str(self.settings.STRIPE_SANDBOX_PORT)
        return self._python("stripe-sandbox", "-m", "stripe_sandbox", "--port", port, "--state", state)

    def prepare_part(self) -> Part:
        return self._python("prepare", "-m", "instainstru.run.prepare", errand=True)

    def cluster_part(self) -> Part:
        return self._python("jobs", "manage.py", "qcluster", patience=SECONDS_TO_FINISH_TASKS)

    def web_part(self) -> Part:
        workers, threads = str(self.settings.WEB_WORKERS), str(self.settings.WEB_THREADS)
        return self._python(
            "web",
            *("-m", "gunicorn", "instainstru.wsgi", "--bind", f"{self.settings.BIND}:{self.settings.PORT}"),
            *("--worker-class", "gthread", "--workers", workers, "--threads", threads, "--timeout", "90"),
            *("--graceful-timeout", str(SECONDS_TO_FINISH_REQUESTS - 5), "--no-control-socket"),
            patience=SECONDS_TO_FINISH_REQUESTS,
        )

    def ready_request(self) -> tuple[str, str]:
        """The address that tells whether everything is ready, and the Host header to ask with."""
        host = "127.0.0.1" if self.settings.BIND in ("0.0.0.0", "") else self.settings.BIND  # noqa: S104
        return f"http://{host}:{self.settings.PORT}/healthz/ready", urlsplit(self.settings.SITE_URL).netloc

    def _python(self, name: str, *arguments: str, patience: float = 15, errand: bool = False) -> Part:
        return Part(
            name=name,
            argv=[sys.executable, *arguments],
            log=self.logs / f"{name}.log",
            env={**os.environ, **self.environment(), "PYTHONUNBUFFERED": "1"},
            cwd=self.settings.BASE_DIR,
            patience=patience,
            errand=errand,
        )
