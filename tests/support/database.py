"""The tests' PostgreSQL: one server for all test runs of this working copy, one database for every pytest process.

The first process starts the server and the last one stops it. Databases are copies of a migrated template, which is
made anew when a migration, the settings or a requirement changes. Tests commit for real (Stripe may not be called in a
transaction), so `Cleaner.empty` deletes what a test left.
"""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import psycopg
from django.db import connection
from psycopg import sql

from .environment import BASE_DIR, DATABASE, GIVEN_SERVER, SHARED, server, url_of

TEMPLATES_KEPT = 3
MADE_OF = SHARED / "templates.json"  # what each template was made of
KEPT = {"django_migrations", "django_content_type", "auth_permission", "job_cluster_status"}


@contextmanager
def database_of_this_process() -> Iterator[None]:
    """The database that DATABASE_URL names, there until the end of the block."""
    with _running_server():
        with _only_one("template"):
            template = _template()
            _admin("CREATE DATABASE {} TEMPLATE {}", DATABASE, template)
        try:
            yield
        finally:
            connection.close()
            _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", DATABASE)


class Cleaner:
    """Empties every table that a test filled, past triggers (append-only tables) and foreign keys."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor)) - KEPT
        quoted = [connection.ops.quote_name(table) for table in sorted(tables)]
        self._find = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in quoted)

    def empty(self) -> None:
        """Delete everything but migrations, content types and permissions."""
        if connection.in_atomic_block:
            raise RuntimeError("The test left a transaction open.")
        with connection.cursor() as cursor:
            cursor.execute(self._find)
            filled = [name for (name,) in cursor.fetchall()]
            if filled:
                deletes = "".join(f"DELETE FROM {name};" for name in filled)
                cursor.execute(f"SET session_replication_role = replica; {deletes} RESET session_replication_role")


@contextmanager
def _running_server() -> Iterator[None]:
    """The server, started when it is not there, stopped when nobody else uses it. A killed run never blocks others."""
    if GIVEN_SERVER:
        yield
        return
    SHARED.mkdir(exist_ok=True)
    with (SHARED / "users.lock").open("a") as users:
        with _only_one("server"):
            if not server().answers():
                _start_server()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _only_one("server"):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _nobody_uses(users):
                    _stop_server()


def _nobody_uses(users: IO[Any]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_server() -> None:
    postgres = server()
    postgres.prepare()
    with (SHARED / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            postgres.argv(), **postgres.identity(), cwd="/", stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + 60
    while not postgres.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The tests' PostgreSQL does not start; see {SHARED / 'postgres.log'}")
        time.sleep(0.05)
    for (name,) in _rows(
        "SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%' OR datname LIKE 'building\\_%'"
    ):
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _stop_server() -> None:
    pid_file = SHARED / "postgres" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGINT)
    deadline = time.monotonic() + 30
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _template() -> str:
    """The name of the migrated database to copy from. A new one goes on from the newest whose migrations all stand."""
    files = _files()
    name = f"template_{_digest(files)}"
    existing = [
        row[0] for row in _rows("SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' ORDER BY oid")
    ]
    if name in existing:
        return name
    made_of: dict[str, dict[str, str]] = json.loads(MADE_OF.read_text()) if MADE_OF.exists() else {}
    earlier = [old for old in existing if old in made_of and _stands(made_of[old], files)]
    building = name.replace("template", "building")
    _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", building)
    if earlier:
        _admin("CREATE DATABASE {} TEMPLATE {}", building, earlier[-1])
    else:
        _admin("CREATE DATABASE {}", building)
    for command in ("migrate", "createcachetable"):
        _manage(command, building)
    _admin("ALTER DATABASE {} RENAME TO {}", building, name)
    MADE_OF.write_text(json.dumps({old: made_of[old] for old in existing if old in made_of} | {name: files}))
    for old in existing[: -(TEMPLATES_KEPT - 1)]:
        _admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", old)
    return name


def _manage(command: str, database: str) -> None:
    env = {**os.environ, "DATABASE_URL": url_of(database)}
    done = subprocess.run(
        [sys.executable, "manage.py", command], cwd=BASE_DIR, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {command} failed for the tests' database:\n{done.stderr[-3000:]}")


def _files() -> dict[str, str]:
    """Everything that decides what a fresh database looks like, with what is in it, hashed."""
    files = [BASE_DIR / "requirements.txt", BASE_DIR / "instainstru" / "settings.py"]
    files += sorted(BASE_DIR.glob("*/migrations/*.py")) + sorted(BASE_DIR.glob("*/djstripe_migrations/*.py"))
    return {str(file.relative_to(BASE_DIR)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _stands(earlier: dict[str, str], files: dict[str, str]) -> bool:
    """Whether a template of these files needs nothing but newer migrations. (Settings only name what to migrate.)"""
    return all(files.get(name) == digest for name, digest in earlier.items() if not name.endswith("settings.py"))


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    SHARED.mkdir(exist_ok=True)
    with (SHARED / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _rows(query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url_of("postgres"), autocommit=True) as admin:
        return admin.execute(query.encode()).fetchall()


def _admin(statement: str, *names: str) -> None:
    with psycopg.connect(url_of("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
